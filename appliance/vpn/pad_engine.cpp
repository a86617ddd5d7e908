#include "appliance/vpn/pad_engine.hpp"

#include <algorithm>
#include <deque>
#include <format>
#include <utility>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/vpn/pad_messages.hpp"
#include "appliance/vpn/random_spi.hpp"
#include "crypto/key_log.hpp"

namespace cloister::vpn {
using hooks::planted;
using hooks::PlantedBug;
namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 200ms;
constexpr std::uint64_t units_per_key = crypto::TunnelKey::size / pad_unit_bytes;

/// The first half of a key; nothing uses the other.
crypto::HashKey hash_key_of(const crypto::TunnelKey& key) {
  crypto::HashKey hash_key;
  std::ranges::copy(key.expose().first<crypto::HashKey::size>(), hash_key.fill().begin());
  crypto::log_secret("pad hash key", hash_key.expose());
  return hash_key;
}

wire::KeyName after(const wire::KeyName& name) { return {name.block, name.index + 1}; }

PadStock stock_of_hash_keys() { return planted(PlantedBug::hash_key_of_pad) ? PadStock::pad : PadStock::hash_keys; }

template <class Sa>
void add(Sa& sa, const std::vector<GivenKey>& keys) {
  for (const auto& given : keys) {
    crypto::log_secret("one-time pad", given.key.expose());
    sa.add(given.key.expose());
  }
}

}  // namespace

struct PadEngine::State {
  template <class Sa>
  struct Half {
    std::uint64_t newest_epoch = 0;
    std::uint64_t epoch = 0;  // of the SA
    std::shared_ptr<Sa> sa;
    wire::KeyName keys_from;
    wire::KeyName hash_keys_from;

    [[nodiscard]] PadEnd standing() const {
      return {newest_epoch, sa ? epoch : 0, sa ? sa->end() : 0, keys_from, hash_keys_from};
    }
    void passed(const wire::KeyName& name) { keys_from = std::max(keys_from, after(name)); }
    void hash_key_passed(const wire::KeyName& name) { hash_keys_from = std::max(hash_keys_from, after(name)); }
  };
  struct Opening {
    std::uint64_t epoch;
    crypto::HashKey key;
  };
  struct Giving {
    std::uint64_t at;
    std::vector<GivenKey> keys;
  };

  PadSettings settings;
  crypto::Random* random = nullptr;
  std::deque<PadAction> actions;
  bool session = false;
  bool met = false;  // the peer's STANDING of this session has come
  bool up = false;
  bool ever_up = false;
  std::uint64_t additions = 0;
  std::uint64_t used_before = 0;  // units of SAs that have gone
  std::uint64_t keys_taken = 0;
  Half<OutboundPadSa> sending;
  Half<InboundPadSa> receiving;
  bool asking = false;  // the sending stock
  std::optional<Opening> opening;
  std::optional<Giving> giving;
  std::variant<std::monostate, PadOpen, PadGive> named;  // the receiving stock is asked for these

  void send(PadMessage type, std::vector<std::byte> payload) {
    actions.emplace_back(SendMessage{static_cast<std::uint8_t>(type), std::move(payload)});
  }
  [[nodiscard]] std::uint64_t mark_up() const { return settings.units_max / 2; }
  [[nodiscard]] std::uint64_t mark_blocked() const { return std::min(pad_packet_units_max, settings.units_max / 4); }

  void retire_sending() {
    if (sending.sa) {
      used_before += sending.sa->used();
      sending.sa->burn();
      actions.emplace_back(RetirePadOutbound{});
    }
    sending.sa.reset();
  }
  void retire_receiving() {
    if (receiving.sa) {
      receiving.sa->burn();
      actions.emplace_back(RetirePadInbound{receiving.sa->spi()});
    }
    receiving.sa.reset();
  }
  void give_up() {
    asking = false;
    opening.reset();
    giving.reset();
    named = std::monostate{};
  }

  void look(Instant now);
  void follow_level();
  void ask();
  Result<> on(const PadStanding& peer);
  Result<> on(const PadOpen& open);
  Result<> on(const PadOpened& opened);
  Result<> on(PadGive& give);
  Result<> on(const PadTaken& taken);
  Result<> on(const PadRefused& refused);
  void on_own_keys(std::vector<GivenKey> keys);
};

PadEngine::PadEngine(PadSettings settings, crypto::Random& random) : state_{std::make_unique<State>()} {
  state_->settings = std::move(settings);
  state_->random = &random;
}
PadEngine::~PadEngine() = default;
PadEngine::PadEngine(PadEngine&&) noexcept = default;
PadEngine& PadEngine::operator=(PadEngine&&) noexcept = default;

void PadEngine::on_session_up(Instant now) {
  State& state = *state_;
  state.session = true;
  state.met = false;
  state.give_up();
  state.send(PadMessage::standing, encode(PadStanding{state.sending.standing(), state.receiving.standing()}));
  state.look(now);
}

void PadEngine::on_session_down(Instant now) {
  state_->session = false;
  state_->give_up();
  state_->look(now);
}

void PadEngine::end() {
  state_->session = false;
  state_->give_up();
  state_->retire_sending();
  state_->retire_receiving();
}

Result<> PadEngine::on_message(std::uint8_t type, std::span<const std::byte> payload, Instant now) {
  State& state = *state_;
  const auto& tunnel = state.settings.tunnel;
  auto message = decode_pad_message(type, payload);
  if (!message)
    return fail(
        std::format("tunnel '{}': a pad message of type {} and {} bytes is none", tunnel, type, payload.size()));
  if (!state.met && !std::holds_alternative<PadStanding>(*message))
    return fail(std::format("tunnel '{}': a pad message of type {} before the peer's standing", tunnel, type));
  const Result<> result = std::visit([&](auto& one) { return state.on(one); }, *message);
  state.look(now);
  if (!result) return fail(std::format("tunnel '{}': {}", tunnel, result.error().message));
  return {};
}

void PadEngine::on_timer(Instant now) { state_->look(now); }

std::optional<PadAction> PadEngine::next_action() {
  auto& actions = state_->actions;
  if (actions.empty()) return std::nullopt;
  PadAction action = std::move(actions.front());
  actions.pop_front();
  return action;
}

/// What is due; it looks again soon, as who sends says nothing.
void PadEngine::State::look(Instant now) {
  follow_level();
  ask();
  if (session || up) actions.emplace_back(WakeAt{now + look_interval});
}

void PadEngine::State::follow_level() {
  const std::uint64_t left = sending.sa ? sending.sa->left() : 0;
  if (!up && left >= mark_up()) {
    up = ever_up = true;
    actions.emplace_back(TunnelUp{sending.epoch, KeySource::qkd});
  } else if (up && left < mark_blocked()) {
    up = false;
    actions.emplace_back(
        TunnelBlocked{!sending.sa ? "the peer no longer has the SA" : "too little pad is left for the longest packet"});
  }
}

void PadEngine::State::ask() {
  if (!session || !met || asking || opening || giving) return;
  if (!sending.sa) {
    asking = true;
    actions.emplace_back(NeedPadKeys{stock_of_hash_keys(), 1});
    return;
  }
  const std::uint64_t left = sending.sa->left();
  const std::uint64_t room = settings.units_max - std::min(left, settings.units_max);
  // Not for each key that comes: a message gives many.
  if (room < units_per_key || (left >= mark_up() && room < settings.units_max / 8)) return;
  asking = true;
  actions.emplace_back(NeedPadKeys{PadStock::pad, std::min<std::uint64_t>(room / units_per_key, pad_keys_at_once)});
}

Result<> PadEngine::State::on(const PadStanding& peer) {
  if (met) return fail("a second standing in one session");
  met = true;
  const auto settle = [](auto& own, const PadEnd& theirs) {
    own.newest_epoch = std::max(own.newest_epoch, theirs.newest_epoch);
    own.keys_from = std::max(own.keys_from, theirs.keys_from);
    own.hash_keys_from = std::max(own.hash_keys_from, theirs.hash_keys_from);
  };
  settle(sending, peer.receiving);
  settle(receiving, peer.sending);
  actions.emplace_back(BurnPadKeysBefore{PadStock::pad, sending.keys_from, receiving.keys_from});
  actions.emplace_back(BurnPadKeysBefore{PadStock::hash_keys, sending.hash_keys_from, receiving.hash_keys_from});
  // The receiver has all that the sender may use, and perhaps what the sender was not told of.
  if (sending.sa && (peer.receiving.epoch != sending.epoch || peer.receiving.end < sending.sa->end())) retire_sending();
  if (receiving.sa && (peer.sending.epoch != receiving.epoch || peer.sending.end > receiving.sa->end()))
    retire_receiving();
  if (receiving.sa && !planted(PlantedBug::traffic_pad_not_cut)) receiving.sa->cut(peer.sending.end);
  return {};
}

Result<> PadEngine::State::on(const PadOpen& open) {
  if (open.epoch <= receiving.newest_epoch) return fail(std::format("pad of epoch {}, which has been", open.epoch));
  if (named.index() != 0) return fail("pad is named before the last is answered for");
  receiving.newest_epoch = open.epoch;
  receiving.hash_key_passed(open.key);
  retire_receiving();
  named = open;
  actions.emplace_back(NeedNamedPadKeys{stock_of_hash_keys(), {open.key}});
  return {};
}

Result<> PadEngine::State::on(PadGive& give) {
  if (named.index() != 0) return fail("pad is named before the last is answered for");
  if (!receiving.sa || give.epoch != receiving.epoch || give.at != receiving.sa->end())
    return fail(std::format("pad for place {} of epoch {}, which is not where it ends", give.at, give.epoch));
  // The sender keeps within what both have agreed on, so that no pad that it may use gives way here.
  receiving.passed(give.keys.back());
  actions.emplace_back(NeedNamedPadKeys{PadStock::pad, give.keys});
  named = std::move(give);
  return {};
}

Result<> PadEngine::State::on(const PadOpened& opened) {
  if (!opening || opening->epoch != opened.epoch) return fail("an SA that was not asked for");
  sending.epoch = opened.epoch;
  sending.sa = std::make_shared<OutboundPadSa>(opened.spi, std::move(opening->key), settings.units_max);
  opening.reset();
  actions.emplace_back(InstallPadOutbound{sending.sa});
  return {};
}

Result<> PadEngine::State::on(const PadTaken& taken) {
  if (!giving || !sending.sa || taken.epoch != sending.epoch ||
      taken.end != giving->at + giving->keys.size() * units_per_key)
    return fail("pad is taken that was not given");
  if (!planted(PlantedBug::traffic_pad_taken_early)) add(*sending.sa, giving->keys);
  giving.reset();
  ++additions;
  return {};
}

Result<> PadEngine::State::on(const PadRefused& refused) {
  const bool of_open = opening && opening->epoch == refused.epoch && refused.at == 0;
  const bool of_give = giving && sending.epoch == refused.epoch && refused.at == giving->at;
  if (!of_open && !of_give) return fail("pad is refused that was not given");
  opening.reset();
  giving.reset();
  return {};
}

void PadEngine::on_keys(std::vector<GivenKey> keys, Instant now) {
  State& state = *state_;
  // Another would be computational at best: it goes, as if it were not there.
  if (std::ranges::any_of(keys, [](const auto& given) { return given.by != wire::Authenticator::qkd; }) &&
      !planted(PlantedBug::pads_of_any_block))
    return on_no_keys(now);
  state.keys_taken += keys.size();
  if (std::holds_alternative<PadOpen>(state.named)) {
    const auto epoch = std::get<PadOpen>(std::exchange(state.named, std::monostate{})).epoch;
    hooks::saw_traffic_pad_opened(hooks::PadUse::hash_key, keys.front().key.expose().first<pad_unit_bytes>());
    state.receiving.epoch = epoch;
    state.receiving.sa = std::make_shared<InboundPadSa>(random_spi(*state.random), hash_key_of(keys.front().key),
                                                        state.settings.units_max);
    state.actions.emplace_back(InstallPadInbound{state.receiving.sa});
    state.send(PadMessage::opened, encode(PadOpened{epoch, state.receiving.sa->spi()}));
  } else if (std::holds_alternative<PadGive>(state.named)) {
    state.named = std::monostate{};
    add(*state.receiving.sa, keys);
    state.send(PadMessage::taken, encode(PadTaken{state.receiving.epoch, state.receiving.sa->end()}));
  } else if (std::exchange(state.asking, false)) {
    state.on_own_keys(std::move(keys));
  }
}

void PadEngine::State::on_own_keys(std::vector<GivenKey> keys) {
  if (!sending.sa) {
    sending.hash_key_passed(keys.front().name);
    hooks::saw_traffic_pad_used(hooks::PadUse::hash_key, keys.front().key.expose().first<pad_unit_bytes>());
    opening = Opening{++sending.newest_epoch, hash_key_of(keys.front().key)};
    return send(PadMessage::open, encode(PadOpen{opening->epoch, keys.front().name}));
  }
  sending.passed(keys.back().name);
  giving = Giving{sending.sa->end(), std::move(keys)};
  PadGive give{sending.epoch, giving->at, {}};
  for (const auto& given : giving->keys) give.keys.push_back(given.name);
  send(PadMessage::give, encode(give));
  if (planted(PlantedBug::traffic_pad_taken_early)) add(*sending.sa, giving->keys);
}

void PadEngine::on_no_keys(Instant) {
  State& state = *state_;
  if (const auto* open = std::get_if<PadOpen>(&state.named))
    state.send(PadMessage::refused, encode(PadRefused{open->epoch, 0}));
  else if (const auto* give = std::get_if<PadGive>(&state.named))
    state.send(PadMessage::refused, encode(PadRefused{give->epoch, give->at}));
  else
    state.asking = false;
  state.named = std::monostate{};
}

RekeyStatus PadEngine::status() const {
  const State& state = *state_;
  const bool there = state.sending.sa != nullptr;
  return {.state = state.up        ? "up"
                   : state.ever_up ? "blocked"
                                   : "waiting",
          .epoch = state.sending.newest_epoch,
          .rekeys = state.additions,
          .keys_taken = state.keys_taken,
          .last_rekey_took = std::nullopt,
          .inbound = state.receiving.sa ? std::optional{state.receiving.sa->spi()} : std::nullopt,
          .outbound = there ? std::optional{state.sending.sa->spi()} : std::nullopt,
          .accepted = std::nullopt,
          .key_made = std::nullopt,
          .key_ends = std::nullopt,
          .source = there ? KeySource::qkd : KeySource::none,
          .authenticated_by = there ? wire::Authenticator::qkd : wire::Authenticator::none,
          .pad = PadFigures{
              .sending_bytes = there ? state.sending.sa->left() * pad_unit_bytes : 0,
              .used_bytes = (state.used_before + (there ? state.sending.sa->used() : 0)) * pad_unit_bytes,
              .receiving_bytes = state.receiving.sa ? state.receiving.sa->left() * pad_unit_bytes : 0,
              .epsilon_per_packet = pad_epsilon_per_packet(),
              .epsilon_of_sa = state.receiving.sa ? state.receiving.sa->epsilon() : 0,
          }};
}

}  // namespace cloister::vpn
