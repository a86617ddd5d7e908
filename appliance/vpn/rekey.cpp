#include "appliance/vpn/rekey.hpp"

#include <algorithm>
#include <deque>
#include <format>

#include "appliance/vpn/derive.hpp"
#include "appliance/vpn/rekey_messages.hpp"

namespace cloister::vpn {
namespace {

using namespace std::chrono_literals;

constexpr auto retry_interval = 500ms;
constexpr auto exchange_patience = 5s;
constexpr auto grace_max = 5s;  // and half an interval at most: never more than two receiving SAs

/// A pair of SAs of one key.
struct Generation {
  std::uint64_t epoch = 0;
  Spi inbound;
  std::optional<Spi> outbound;  // once it may be sent on
  Instant made;
};

/// A receiving SA on its way out.
struct Retiring {
  Spi spi;
  Instant at;
};

/// The initiator waits for the store to give a key. The ML-KEM pair is made before: a key that was taken is offered.
struct Asking {
  std::optional<crypto::KemKeyPair> kem;
};

/// The initiator's exchange from its OFFER on.
struct Offering {
  Offer offer;
  crypto::TunnelKey key;
  std::optional<crypto::KemKeyPair> kem;
  Instant since;
};

/// The responder's exchange until CONFIRM: what is to be installed then. The initiator may send on its receiving SA.
struct Accepting {
  Generation generation;
  Spi spi_out;
  SaKey key_out;
};

/// The responder waits for the store to answer for the offer's key.
struct Offered {
  Offer offer;
};

}  // namespace

struct RekeyEngine::State {
  RekeySettings settings;
  crypto::Random* random = nullptr;
  std::deque<RekeyAction> actions;
  bool session = false;
  bool met = false;  // the peer's STANDING of this session has come
  bool ever_up = false;
  bool blocked = false;
  std::uint64_t newest_epoch = 0;
  wire::KeyName keys_from;  // all before it were taken from the stock or passed over
  std::uint64_t rekeys = 0;
  std::optional<Generation> current;
  std::vector<Retiring> retiring;
  std::optional<Asking> asking;
  std::optional<Offering> offering;
  std::optional<Offered> offered;
  std::optional<Accepting> accepting;
  std::optional<Instant> retry_at;

  [[nodiscard]] Spi fresh_spi() const {
    for (;;) {
      std::array<std::byte, 4> bytes{};
      random->fill(bytes);
      std::uint32_t value = 0;
      for (const std::byte byte : bytes) value = (value << 8U) | std::to_integer<std::uint32_t>(byte);
      const bool taken = (current && current->inbound.value == value) ||
                         std::ranges::any_of(retiring, [&](const Retiring& old) { return old.spi.value == value; });
      if (value >= 256 && !taken) return {value};
    }
  }

  [[nodiscard]] SaContext context(const Offer& offer, std::span<const std::byte> ciphertext) const {
    return {.tunnel = settings.tunnel,
            .initiator = settings.initiator ? settings.local_box : settings.peer_box,
            .responder = settings.initiator ? settings.peer_box : settings.local_box,
            .epoch = offer.epoch,
            .key_name = offer.key_name,
            .kem_public_key = offer.kem_public,
            .kem_ciphertext = ciphertext};
  }

  void send(RekeyMessage type, std::vector<std::byte> payload) {
    actions.emplace_back(SendMessage{static_cast<std::uint8_t>(type), std::move(payload)});
  }

  /// The old receiving SA stays for packets that are on their way, but never beyond its lifetime.
  void retire_current(Instant now) {
    if (!current) return;
    retiring.push_back({current->inbound, std::min(now + std::min<milliseconds>(grace_max, settings.rekey_interval / 2),
                                                   current->made + settings.key_lifetime)});
    current.reset();
  }

  void came_up(Instant now, Generation generation) {
    retire_current(now);
    current = generation;
    if (ever_up && !blocked) {
      ++rekeys;
      actions.emplace_back(TunnelRekeyed{generation.epoch});
    } else {
      actions.emplace_back(TunnelUp{generation.epoch});
    }
    ever_up = true;
    blocked = false;
  }

  /// What waits for an answer within the session.
  void give_up_exchange() {
    asking.reset();
    offering.reset();
    offered.reset();
  }

  /// Only once the initiator is known not to send on the accepted receiving SA, or its lifetime has ended.
  void drop_accepted() {
    if (accepting) actions.emplace_back(RetireInbound{accepting->generation.inbound});
    accepting.reset();
  }

  void block(std::string reason) {
    actions.emplace_back(RetireOutbound{});
    actions.emplace_back(RetireInbound{current->inbound});
    actions.emplace_back(TunnelBlocked{std::move(reason)});
    current.reset();
    blocked = true;
  }

  void named(const wire::KeyName& key) { keys_from = std::max(keys_from, {key.block, key.index + 1}); }

  void begin_rekey(Instant now) {
    Asking next;
    if (settings.hybrid) {
      auto kem = crypto::KemKeyPair::generate();
      if (!kem) {
        retry_at = now + retry_interval;
        return;
      }
      next.kem = std::move(*kem);
    }
    retry_at.reset();
    asking = std::move(next);
    actions.emplace_back(NeedKey{});
  }

  /// Before its time.
  void begin_wanted(Instant now) {
    if (may_begin()) begin_rekey(now);
    arm();
  }

  [[nodiscard]] bool may_begin() const { return session && met && settings.initiator && !asking && !offering; }

  void do_what_is_due(Instant now) {
    std::erase_if(retiring, [&](const Retiring& old) {
      if (now < old.at) return false;
      actions.emplace_back(RetireInbound{old.spi});
      return true;
    });
    if (current && now >= current->made + settings.key_lifetime)
      block(session ? "no key is left" : "no session with the peer, and the last key has ended");
    if (accepting && now >= accepting->generation.made + settings.key_lifetime) drop_accepted();
    if (offering && now >= offering->since + exchange_patience) offering.reset();
    const bool due = !current || now >= current->made + settings.rekey_interval;
    if (!due) retry_at.reset();  // what was wanted before its time is not tried again
    if (due && may_begin() && (!retry_at || now >= *retry_at)) begin_rekey(now);
  }

  void arm() {
    std::optional<Instant> next;
    const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
    for (const auto& old : retiring) consider(old.at);
    if (accepting) consider(accepting->generation.made + settings.key_lifetime);
    if (offering) consider(offering->since + exchange_patience);
    if (current) consider(current->made + settings.key_lifetime);
    if (may_begin()) {
      if (retry_at)
        consider(*retry_at);
      else if (current)
        consider(current->made + settings.rekey_interval);
    }
    if (next) actions.emplace_back(WakeAt{*next});
  }

  void send_standing() {
    send(RekeyMessage::standing, encode(Standing{.newest_epoch = newest_epoch,
                                                 .in_use = current ? current->epoch : 0,
                                                 .accepted = accepting ? accepting->generation.epoch : 0,
                                                 .keys_from = keys_from}));
  }

  Result<> on_standing(const Standing& peer, Instant now) {
    if (met) return fail("a second standing in one session");
    met = true;
    newest_epoch = std::max(newest_epoch, peer.newest_epoch);
    keys_from = std::max(keys_from, peer.keys_from);
    actions.emplace_back(BurnKeysBefore{keys_from});
    if (accepting) {
      if (accepting->generation.epoch == peer.in_use)
        on_confirm({peer.in_use}, now);
      else
        drop_accepted();
    }
    if (current && current->epoch != peer.in_use && current->epoch != peer.accepted)
      block("the peer no longer has the SAs of the last key");
    return {};
  }

  Result<> on_offer(Offer offer) {
    if (offer.epoch <= newest_epoch) return fail(std::format("an offer of epoch {}, which has been", offer.epoch));
    offered.reset();
    drop_accepted();  // the initiator has given it up
    newest_epoch = offer.epoch;
    const wire::KeyName name = offer.key_name;
    named(name);
    offered = Offered{std::move(offer)};
    actions.emplace_back(NeedKey{name});
    return {};
  }

  void accept_offer(crypto::TunnelKey key, Instant now) {
    const Offer offer = std::move(offered->offer);
    offered.reset();
    std::optional<crypto::KemSecret> kem;
    Accept accept{offer.epoch, fresh_spi(), {}};
    if (settings.hybrid) {
      auto encapsulated = crypto::kem_encapsulate(offer.kem_public);
      if (!encapsulated) return send(RekeyMessage::reject, encode(Reject{offer.epoch}));
      accept.kem_ciphertext = std::move(encapsulated->ciphertext);
      kem = std::move(encapsulated->secret);
    }
    const SaSecrets secrets{std::move(key), std::move(kem)};
    const SaContext names = context(offer, accept.kem_ciphertext);
    actions.emplace_back(
        InstallInbound{accept.spi, secrets.derive(names, Direction::initiator_to_responder, accept.spi)});
    accepting = Accepting{{offer.epoch, accept.spi, {}, now},
                          offer.spi,
                          secrets.derive(names, Direction::responder_to_initiator, offer.spi)};
    send(RekeyMessage::accept, encode(accept));
  }

  Result<> on_accept(const Accept& accept, Instant now) {
    if (!offering || offering->offer.epoch != accept.epoch) return {};  // of an exchange that was given up
    Offering exchange = std::move(*offering);
    offering.reset();
    std::optional<crypto::KemSecret> kem;
    if (settings.hybrid) {
      auto secret = std::move(*exchange.kem).decapsulate(accept.kem_ciphertext);
      if (!secret) return fail(secret.error().message);
      kem = std::move(*secret);
    }
    const SaSecrets secrets{std::move(exchange.key), std::move(kem)};
    const SaContext names = context(exchange.offer, accept.kem_ciphertext);
    actions.emplace_back(InstallInbound{exchange.offer.spi,
                                        secrets.derive(names, Direction::responder_to_initiator, exchange.offer.spi)});
    actions.emplace_back(
        InstallOutbound{accept.spi, secrets.derive(names, Direction::initiator_to_responder, accept.spi)});
    send(RekeyMessage::confirm, encode(Confirm{accept.epoch}));
    came_up(now, {accept.epoch, exchange.offer.spi, accept.spi, now});
    return {};
  }

  void on_confirm(const Confirm& confirm, Instant now) {
    if (!accepting || accepting->generation.epoch != confirm.epoch) return;
    Accepting exchange = std::move(*accepting);
    accepting.reset();
    exchange.generation.outbound = exchange.spi_out;
    actions.emplace_back(InstallOutbound{exchange.spi_out, std::move(exchange.key_out)});
    came_up(now, exchange.generation);
  }

  void on_reject(const Reject& reject, Instant now) {
    if (!offering || offering->offer.epoch != reject.epoch) return;
    offering.reset();
    retry_at = now + retry_interval;
  }
};

RekeyEngine::RekeyEngine(RekeySettings settings, crypto::Random& random, Instant) : state_{std::make_unique<State>()} {
  state_->settings = std::move(settings);
  state_->random = &random;
}

RekeyEngine::~RekeyEngine() = default;
RekeyEngine::RekeyEngine(RekeyEngine&&) noexcept = default;
RekeyEngine& RekeyEngine::operator=(RekeyEngine&&) noexcept = default;

void RekeyEngine::on_session_up(Instant now) {
  state_->session = true;
  state_->met = false;
  state_->retry_at.reset();
  state_->send_standing();
  state_->do_what_is_due(now);
  state_->arm();
}

void RekeyEngine::on_session_down(Instant now) {
  state_->session = false;
  state_->give_up_exchange();
  state_->do_what_is_due(now);
  state_->arm();
}

void RekeyEngine::end() {
  State& state = *state_;
  state.session = false;
  state.give_up_exchange();
  state.drop_accepted();
  for (const auto& old : state.retiring) state.actions.emplace_back(RetireInbound{old.spi});
  state.retiring.clear();
  if (!state.current) return;
  state.actions.emplace_back(RetireOutbound{});
  state.actions.emplace_back(RetireInbound{state.current->inbound});
  state.current.reset();
}

Result<> RekeyEngine::on_message(std::uint8_t type, std::span<const std::byte> payload, Instant now) {
  State& state = *state_;
  auto message = decode_rekey(type, payload, state.settings.hybrid);
  const auto& tunnel = state.settings.tunnel;
  if (!message)
    return fail(
        std::format("tunnel '{}': a rekey message of type {} and {} bytes is none", tunnel, type, payload.size()));
  if (!state.met && !std::holds_alternative<Standing>(*message))
    return fail(std::format("tunnel '{}': a rekey message of type {} before the peer's standing", tunnel, type));
  Result<> result;
  struct Visitor {
    State& state;
    Instant now;
    Result<> operator()(Standing& standing) const { return state.on_standing(standing, now); }
    Result<> operator()(Offer& offer) const {
      if (state.settings.initiator) return fail("an offer from the side that only answers");
      return state.on_offer(std::move(offer));
    }
    Result<> operator()(Accept& accept) const { return state.on_accept(accept, now); }
    Result<> operator()(Confirm& confirm) const {
      state.on_confirm(confirm, now);
      return {};
    }
    Result<> operator()(Reject& reject) const {
      state.on_reject(reject, now);
      return {};
    }
    Result<> operator()(Wish& wish) const {
      if (!state.settings.initiator) return fail("a wish from the side that begins by itself");
      if (state.newest_epoch <= wish.epoch && state.retiring.empty()) state.begin_wanted(now);
      return {};
    }
  };
  result = std::visit(Visitor{state, now}, *message);
  state.do_what_is_due(now);
  state.arm();
  if (!result) return fail(std::format("tunnel '{}': {}", tunnel, result.error().message));
  return {};
}

void RekeyEngine::on_key(wire::KeyName name, crypto::TunnelKey key, Instant now) {
  State& state = *state_;
  state.named(name);
  if (state.offered && state.offered->offer.key_name == name) {
    state.accept_offer(std::move(key), now);
  } else if (state.asking) {
    state.newest_epoch += 1;
    Offering exchange{
        {state.newest_epoch, name, state.fresh_spi(), {}}, std::move(key), std::move(state.asking->kem), now};
    state.asking.reset();
    if (exchange.kem) exchange.offer.kem_public = exchange.kem->public_key();
    state.send(RekeyMessage::offer, encode(exchange.offer));
    state.offering = std::move(exchange);
  }
  state.arm();
}

void RekeyEngine::on_no_key(Instant now) {
  State& state = *state_;
  if (state.offered) {
    state.send(RekeyMessage::reject, encode(Reject{state.offered->offer.epoch}));
    state.offered.reset();
  } else if (state.asking) {
    state.asking.reset();
    state.retry_at = now + retry_interval;
  }
  state.arm();
}

void RekeyEngine::on_timer(Instant now) {
  state_->do_what_is_due(now);
  state_->arm();
}

Result<> RekeyEngine::on_rekey_wanted(Instant now) {
  State& state = *state_;
  if (!state.session || !state.met) return fail("there is no session with the peer: see 'cloisterctl link'");
  if (!state.retiring.empty()) return fail("the rekey before is not over yet: wait some seconds");
  if (state.settings.initiator)
    state.begin_wanted(now);
  else
    state.send(RekeyMessage::wish, encode(Wish{state.newest_epoch}));
  return {};
}

std::optional<RekeyAction> RekeyEngine::next_action() {
  auto& actions = state_->actions;
  if (actions.empty()) return std::nullopt;
  RekeyAction action = std::move(actions.front());
  actions.pop_front();
  return action;
}

RekeyStatus RekeyEngine::status() const {
  const State& state = *state_;
  RekeyStatus status{.state = state.current   ? "up"
                              : state.ever_up ? "blocked"
                                              : "waiting",
                     .epoch = state.current ? state.current->epoch : state.newest_epoch,
                     .rekeys = state.rekeys,
                     .inbound = std::nullopt,
                     .outbound = std::nullopt,
                     .key_made = std::nullopt};
  if (state.current) {
    status.inbound = state.current->inbound;
    status.outbound = state.current->outbound;
    status.key_made = state.current->made;
  }
  return status;
}

}  // namespace cloister::vpn
