#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/session_state.hpp"

namespace cloister::session {
using namespace std::chrono_literals;
namespace {

constexpr auto silence_max = 5s;
constexpr auto unreachable_after = 10s;
/// A connection whose peer has proven nothing and said nothing for so long gives way to a new one.
constexpr auto unproven_silence_max = 1s;
constexpr auto stable_after = 10s;
/// Frames that wait for our half of the switch-over; the chain's flow control keeps it far below.
constexpr std::size_t waiting_bytes_max = std::size_t{32} << 20U;

}  // namespace

Side side_of(const std::string& local_box, const std::string& peer_box) {
  return local_box < peer_box ? Side::client : Side::server;
}

void Session::State::send(FrameKind kind, BlockId block, std::uint8_t type, std::span<const std::byte> payload) {
  const auto body = encode_body(kind, channel->next_sent++, block, type, payload);
  if (kind == FrameKind::block || kind == FrameKind::close) {
    if (OpenBlock* open = book.find(block)) open->add(own_direction(), body);
  }
  if (channel->closed) return;
  actions.emplace_back(Transmit{seal_frame(body, channel->send_key ? &*channel->send_key : nullptr)});
}

void Session::State::lose(const std::string& reason, Instant now) {
  if (!channel) return;
  const bool lived = channel->phase == Phase::established;
  const bool stable = lived && now - channel->established_at >= stable_after;
  channel.reset();
  for (const auto& block : book.clear()) {
    ++counters.blocks_burnt;
    actions.emplace_back(BlockBurnt{block});
  }
  if (lived) {
    actions.emplace_back(Lost{reason});
    outage_since = now;
    outage_reported = false;
  }
  if (stable) back_off = back_off_first;
  reconnect(now, true);
}

void Session::State::reconnect(Instant now, bool was_connected) {
  if (client()) {
    // Nobody there costs a packet: asked often, so that a peer that was restarted is found at once.
    actions.emplace_back(Connect{now + (was_connected ? back_off : back_off_first)});
    if (was_connected) back_off = std::min(2 * back_off, back_off_max);
  }
  arm(now);
}

void Session::State::end(std::string code, std::string text, Instant now) {
  const std::string reason = text;
  alarm(std::move(code), std::move(text));
  actions.emplace_back(Disconnect{});
  lose(reason, now);
}

void Session::State::arm(Instant now) {
  std::optional<Instant> next;
  const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  if (!channel && !outage_reported) consider(outage_since + unreachable_after);
  if (channel && channel->phase != Phase::established) consider(channel->deadline);
  if (channel && (channel->phase == Phase::established || channel->awaits_note)) consider(channel->next_keep_alive);
  if (channel && channel->phase == Phase::established) {
    consider(channel->last_received + silence_max);
  }
  if (next) actions.emplace_back(Wake{std::max(*next, now)});
}

void Session::State::begin_connection(Instant now) {
  channel.emplace();
  channel->number = ++connections;
  channel->deadline = now + bootstrap_patience;
  channel->last_received = now;
  // Else a peer that was restarted again would choose a chunk that is being granted to its last life.
  channel->greets_later = granting() && !hooks::planted(hooks::PlantedBug::greets_while_granting);
  if (!channel->greets_later) greet();
  arm(now);
}

void Session::State::greet() {
  Greeting greeting{.link = settings.link,
                    .box = settings.local_box,
                    .peer = settings.peer_box,
                    .side = static_cast<std::uint8_t>(side),
                    .life = life,
                    .known_peer_life = peer_life,
                    .nonce = {},
                    .next_block = book.next().value,
                    .channel_block = channel_block(),
                    .held = held,
                    .bootstraps = may_bootstrap(),
                    .own_counter = sealed ? sealed->own() : 0,
                    .granted_counter = sealed ? sealed->granted() : 0,
                    .sealed_bits = sealed ? sealed->layout().bits() : 0,
                    .sealed = sealed ? sealed->offer() : std::vector<GenerationId>{},
                    .agreement = settings.agreement};
  random->fill(greeting.nonce);
  channel->own_greeting = encode(greeting);
  channel->own_bootstraps = greeting.bootstraps;
  channel->own_counter = greeting.own_counter;
  channel->granted_counter = greeting.granted_counter;
  channel->own_sealed_bits = greeting.sealed_bits;
  channel->own_sealed = std::move(greeting.sealed);
  send(FrameKind::greeting, channel->own_greeting);
}

void Session::State::receive(Instant now) {
  while (channel && !channel->switch_awaited && !channel->handshake_away && !channel->awaits_note &&
         !channel->greets_later) {
    const bool known = channel->receive_key.has_value();
    auto raw = channel->incoming.next(known ? frame_bytes_max : frame_bytes_max_unknown);
    if (!raw)
      return end(known ? "CHANNEL_TAMPERED" : "PEER_PROTOCOL", "the classical channel carries " + raw.error().message,
                 now);
    if (!*raw) break;
    auto body = open_frame(**raw, known ? &*channel->receive_key : nullptr);
    if (!body && hooks::planted(hooks::PlantedBug::frame_mac_ignored) && (*raw)->size() > frame_mac_bytes)
      body = std::span{**raw}.first((*raw)->size() - frame_mac_bytes);
    const auto frame = body ? decode_body(*body) : std::nullopt;
    if (!frame && channel->phase == Phase::readying && channel->handshake) return on_unready(**raw, now);
    if (!frame || frame->sequence != channel->next_received) {
      return end(known ? "CHANNEL_TAMPERED" : "PEER_PROTOCOL",
                 known ? "a frame of the classical channel was changed, repeated or lost on its way"
                       : "the other end does not speak Cloister's protocol",
                 now);
    }
    ++channel->next_received;
    channel->last_received = now;
    dispatch(*frame, *body, now);
  }
  if (channel && channel->incoming.waiting_bytes() > waiting_bytes_max)
    end("PEER_PROTOCOL", "the peer sends on without the key that it has switched to", now);
}

void Session::State::dispatch(const Frame& frame, std::span<const std::byte> body, Instant now) {
  const auto unexpected = [&] {
    end("PEER_PROTOCOL", std::format("a frame of kind {} out of its turn", static_cast<unsigned>(frame.kind)), now);
  };
  switch (channel->phase) {
    case Phase::greeting:
      return frame.kind == FrameKind::greeting ? on_greeting(frame, now) : unexpected();
    case Phase::bootstrapping:
      return frame.kind == FrameKind::bootstrap ? on_bootstrap(frame.payload, now) : unexpected();
    case Phase::readying:
      return frame.kind == FrameKind::ready ? on_ready(now) : unexpected();
    case Phase::leasing:
      return frame.kind == FrameKind::lease ? on_lease(frame, now) : unexpected();
    case Phase::established:
      break;
  }
  switch (frame.kind) {
    case FrameKind::block:
      return on_block(frame, body, now);
    case FrameKind::message:
      actions.emplace_back(DeliverMessage{frame.type, {frame.payload.begin(), frame.payload.end()}});
      return;
    case FrameKind::close:
      return on_close(frame, body, now);
    case FrameKind::tag:
      return on_tag(frame, now);
    case FrameKind::verified:
      return on_verified(frame, now);
    case FrameKind::switch_keys:
      return on_switch(frame, now);
    case FrameKind::stored:
      return on_stored(frame, now);
    case FrameKind::keep_alive:
      return;
    case FrameKind::greeting:
    case FrameKind::bootstrap:
    case FrameKind::ready:
    case FrameKind::lease:
      return unexpected();
  }
}

Session::Session(Settings settings, crypto::Credentials credentials, crypto::Random& random, Instant now)
    : state_{std::make_unique<State>()} {
  State& state = *state_;
  state.settings = std::move(settings);
  state.credentials = std::move(credentials);
  state.random = &random;
  state.side = side_of(state.settings.local_box, state.settings.peer_box);
  random.fill(state.life);
  state.outage_since = now;
  if (state.client()) state.actions.emplace_back(Connect{now});
  state.arm(now);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

void Session::renew(std::shared_ptr<const crypto::Authority> authority) {
  require(state_->credentials.certified.has_value(), "an authority for a session without certificates");
  state_->credentials.certified->authority = std::move(authority);
}

void Session::renew(Result<crypto::TrustedKey> peer) {
  require(state_->credentials.pinned.has_value(), "a peer's key for a session without pinned keys");
  state_->credentials.pinned->peer = std::move(peer);
}

const crypto::Credentials& Session::credentials() const { return state_->credentials; }

void Session::on_connected(Instant now) {
  if (state_->channel) state_->lose("the peer connected anew", now);
  state_->begin_connection(now);
}

void Session::on_received(std::span<const std::byte> bytes, Instant now) {
  if (!state_->channel) return;
  state_->channel->incoming.feed(bytes);
  state_->receive(now);
}

void Session::on_disconnected(const std::string& reason, Instant now) {
  State& state = *state_;
  if (!state.channel) {
    state.counters.last_error = reason;
    return state.reconnect(now, false);
  }
  // The alert that says why it closed may wait behind the step.
  if (state.channel->handshake_away)
    state.channel->closed = reason;
  else
    state.disconnected(reason, now);
}

void Session::State::disconnected(const std::string& reason, Instant now) {
  if (!established()) counters.last_error = std::format("the connection was lost before the session began: {}", reason);
  lose(reason, now);
}

void Session::on_timer(Instant now) {
  State& state = *state_;
  if (!state.channel && !state.outage_reported && now >= state.outage_since + unreachable_after) {
    state.outage_reported = true;
    const std::string why = state.counters.last_error.empty() ? "it does not connect" : state.counters.last_error;
    state.alarm("PEER_UNREACHABLE", std::format("box '{}' cannot be reached ({}): is it running, and are "
                                                "'peer_address' and the network right; trying again",
                                                state.settings.peer_box, why));
  }
  if (state.channel && (state.channel->awaits_note || state.channel->greets_later) && now >= state.channel->deadline) {
    return state.end("TPM_SLOW",
                     "this box's TPM, which counts for the sealed reserve, did not do so within 10 s: 'cloisterctl "
                     "selftest' says whether it works; trying again",
                     now);
  }
  if (state.channel && state.channel->handshake_away && now >= state.channel->deadline) {
    return state.end(
        "BOOTSTRAP_REFUSED",
        "this box's TPM, which keeps its key, did not sign within 10 s: 'cloisterctl selftest' says whether "
        "it works; trying again",
        now);
  }
  if (state.channel && state.channel->phase != Phase::established && now >= state.channel->deadline) {
    return state.end("PEER_SILENT",
                     std::format("box '{}' took the connection but did not finish the bootstrap within 10 s: is it the "
                                 "right address, and is the box running",
                                 state.settings.peer_box),
                     now);
  }
  if (state.established() && now >= state.channel->last_received + silence_max) {
    return state.end(
        "PEER_SILENT",
        std::format("box '{}' has been silent for 5 s: the network between is cut, or someone holds its bytes back",
                    state.settings.peer_box),
        now);
  }
  if (state.channel && (state.established() || state.channel->awaits_note) && now >= state.channel->next_keep_alive) {
    state.send(FrameKind::keep_alive);
    state.channel->next_keep_alive = now + keep_alive_interval;
  }
  state.arm(now);
}

void Session::send_block_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload, Instant now) {
  State& state = *state_;
  if (!state.established()) return;
  if (!state.book.abandoned(block) && state.book.find(block) == nullptr &&
      state.open_block(block, state.channel->sends_by_qkd) == nullptr) {
    return state.end("PEER_PROTOCOL", std::format("block {} cannot be begun", block.value), now);
  }
  state.send(FrameKind::block, block, type, payload);
}

void Session::send_message(std::uint8_t type, std::span<const std::byte> payload, Instant) {
  if (state_->established()) state_->send(FrameKind::message, {}, type, payload);
}

void Session::close_block(BlockId block, std::vector<std::byte> note, Instant now) {
  State& state = *state_;
  OpenBlock* open = state.established() ? state.book.find(block) : nullptr;
  if (open == nullptr || open->own_note) return;
  const bool pays = open->by_qkd && state.would_pay();
  state.send(FrameKind::close, block, open->by_qkd && !pays ? closes_unpaid : closes_paid, note);
  open->own_note = std::move(note);
  open->own_pays = pays;
  state.send_tag(block, *open, now);
}

void Session::abandon_block(BlockId block) {
  if (!state_->established()) return;
  state_->book.abandon(block);
  state_->settle_switch();
}

void Session::add_reserve(BlockId block, crypto::SecretBits bits, LackingPads lacking, Instant now) {
  State& state = *state_;
  // The part for the sealed reserve by a rule that both boxes compute alike: it depends on what both have agreed only.
  const std::uint64_t unit = 2 * Reserve::pad_bits;
  const std::uint64_t half = state.reserve.channel_block() ? bits.size_bits() / 2 / unit * unit : 0;
  const std::uint64_t sealed_bits = std::min(state.building_need_bits(), half);
  const std::uint64_t living_bits = bits.size_bits() - sealed_bits;
  PadCounts by_direction{};
  by_direction[state.own_direction()] = lacking.own;
  by_direction[state.peer_direction()] = lacking.peers;
  const auto given = state.reserve.add(block, bits.slice(0, living_bits), by_direction);
  if (state.thrift.in_doubt == block) state.thrift.brought = given[state.own_direction()] > 0;
  state.add_to_building(bits.slice(living_bits, sealed_bits));
  if (!state.established()) return;
  state.try_switch_receiving();
  state.offer_switch();
  state.receive(now);
}

void Session::on_protocol_error(const std::string& what, Instant now) {
  if (state_->established()) state_->end("PEER_PROTOCOL", what, now);
}

ReserveNeed Session::reserve_need() const {
  const State& state = *state_;
  // The pad of this block's own tag will be gone: else a full reserve would have brought itself nothing by it.
  const std::uint32_t spent = state.established() && state.channel->sends_by_qkd && state.would_pay() ? 1 : 0;
  // Of what comes at most half is for the sealed reserve.
  return {.bits = state.reserve.lacking_key_bits() + 2 * state.building_need_bits(),
          .pads = state.reserve.lacking_pads(state.own_direction(), pads_when_full(), spent)};
}

std::uint32_t Session::pads_when_full() const {
  return static_cast<std::uint32_t>(state_->settings.reserve_bits / (2 * Reserve::pad_bits));
}

std::optional<Action> Session::next_action() {
  auto& actions = state_->actions;
  if (actions.empty()) return std::nullopt;
  Action action = std::move(actions.front());
  actions.pop_front();
  return action;
}

bool Session::may_be_displaced(Instant now) const {
  const auto& channel = state_->channel;
  if (!channel) return true;
  const bool unproven = channel->phase == Phase::greeting || channel->phase == Phase::bootstrapping;
  return unproven && now - channel->last_received >= unproven_silence_max;
}

Status Session::status() const {
  const State& state = *state_;
  Status status = state.counters;
  status.reserve_bits = state.reserve.bits();
  status.awaited = state.awaited;
  status.sealed_chunks = state.sealed ? state.sealed->chunks_left() : 0;
  status.reserve_bits_max = state.settings.reserve_bits + Reserve::hash_key_bits + Reserve::channel_key_bits;
  if (!state.channel) {
    status.state = "disconnected";
    return status;
  }
  switch (state.channel->phase) {
    case Phase::greeting:
      status.state = "greeting";
      break;
    case Phase::leasing:
      status.state = "leasing";
      break;
    case Phase::bootstrapping:
    case Phase::readying:
      status.state = "bootstrapping";
      break;
    case Phase::established:
      status.state = "established";
      status.authenticator = state.channel->switched ? state.by_qkd_now() : Authenticator::bootstrap;
      break;
  }
  return status;
}

}  // namespace cloister::session
