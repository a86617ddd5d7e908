#include "appliance/session/session.hpp"

#include <algorithm>
#include <deque>
#include <format>

#include "appliance/session/block_book.hpp"
#include "appliance/session/channel.hpp"
#include "appliance/session/reserve.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::session {
namespace {

using namespace std::chrono_literals;

constexpr auto bootstrap_patience = 10s;
constexpr auto keep_alive_interval = 1s;
constexpr auto silence_max = 5s;
constexpr auto unreachable_after = 10s;
constexpr auto back_off_first = std::chrono::milliseconds{250};
constexpr auto back_off_max = std::chrono::milliseconds{30'000};
constexpr auto stable_after = 10s;
/// Frames that wait for our half of the switch-over; the chain's flow control keeps it far below.
constexpr std::size_t waiting_bytes_max = std::size_t{32} << 20U;

constexpr std::size_t client_to_server = 0;
constexpr std::size_t server_to_client = 1;

}  // namespace

Side side_of(const std::string& local_box, const std::string& peer_box) {
  return local_box < peer_box ? Side::client : Side::server;
}

struct Session::State {
  Settings settings;
  crypto::Psk psk;
  crypto::Random* random;
  Side side;
  std::deque<Action> actions;

  // What outlives a connection.
  Life life{};
  Life peer_life{};
  std::vector<BlockId> held;
  Reserve reserve;
  BlockBook book;
  Status counters;
  std::chrono::milliseconds back_off = back_off_first;
  Instant outage_since{};
  bool outage_reported = false;

  std::optional<Channel> channel;

  [[nodiscard]] bool client() const { return side == Side::client; }
  [[nodiscard]] std::size_t own_direction() const { return client() ? client_to_server : server_to_client; }
  [[nodiscard]] std::size_t peer_direction() const { return 1 - own_direction(); }
  [[nodiscard]] bool established() const { return channel && channel->phase == Phase::established; }

  void alarm(std::string code, std::string text) {
    counters.last_error = text;
    actions.emplace_back(Alarm{std::move(code), std::move(text)});
  }

  // Sending.

  void send(FrameKind kind, BlockId block, std::uint8_t type, std::span<const std::byte> payload) {
    const auto body = encode_body(kind, channel->next_sent++, block, type, payload);
    if (kind == FrameKind::block || kind == FrameKind::close) {
      if (OpenBlock* open = book.find(block)) open->transcript.add(own_direction(), body);
    }
    actions.emplace_back(Transmit{seal_frame(body, channel->send_key ? &*channel->send_key : nullptr)});
  }
  void send(FrameKind kind, std::span<const std::byte> payload = {}) { send(kind, {}, 0, payload); }

  // The connection's life.

  void lose(const std::string& reason, Instant now) {
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
    reconnect(now);
  }

  void reconnect(Instant now) {
    if (client()) {
      actions.emplace_back(Connect{now + back_off});
      back_off = std::min(2 * back_off, back_off_max);
    }
    arm(now);
  }

  /// The peer, or someone between, did what cannot be: the session ends, with an alarm.
  void end(std::string code, std::string text, Instant now) {
    const std::string reason = text;
    alarm(std::move(code), std::move(text));
    actions.emplace_back(Disconnect{});
    lose(reason, now);
  }

  void arm(Instant now) {
    std::optional<Instant> next;
    const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
    if (!channel && !outage_reported) consider(outage_since + unreachable_after);
    if (channel && channel->phase != Phase::established) consider(channel->deadline);
    if (channel && channel->phase == Phase::established) {
      consider(channel->next_keep_alive);
      consider(channel->last_received + silence_max);
    }
    if (next) actions.emplace_back(Wake{std::max(*next, now)});
  }

  void greet(Instant now) {
    channel.emplace();
    channel->deadline = now + bootstrap_patience;
    channel->last_received = now;
    Greeting greeting{.link = settings.link,
                      .box = settings.local_box,
                      .peer = settings.peer_box,
                      .side = static_cast<std::uint8_t>(side),
                      .life = life,
                      .known_peer_life = peer_life,
                      .nonce = {},
                      .next_block = book.next().value,
                      .channel_block = reserve.ready() ? reserve.channel_block()->value : 0,
                      .held = held,
                      .agreement = settings.agreement};
    random->fill(greeting.nonce);
    channel->own_greeting = encode(greeting);
    send(FrameKind::greeting, channel->own_greeting);
    arm(now);
  }

  // Greeting and bootstrap.

  void on_greeting(const Frame& frame, Instant now) {
    auto greeting = decode_greeting(frame.payload);
    if (!greeting)
      return end(
          "PEER_PROTOCOL",
          "what answers at the peer's address does not greet as Cloister does: check 'peer_address' and the versions",
          now);
    if (greeting->box != settings.peer_box || greeting->peer != settings.local_box || greeting->link != settings.link ||
        greeting->side == static_cast<std::uint8_t>(side)) {
      return end("PEER_PROTOCOL",
                 std::format("the other end says it is box '{}', looking for '{}' on link '{}'; expected '{}', '{}', "
                             "'{}': compare the names in both configurations",
                             greeting->box, greeting->peer, greeting->link, settings.peer_box, settings.local_box,
                             settings.link),
                 now);
    }
    channel->peer = std::move(*greeting);
    channel->peer_greeting.assign(frame.payload.begin(), frame.payload.end());
    const auto& client_greeting = client() ? channel->own_greeting : channel->peer_greeting;
    const auto& server_greeting = client() ? channel->peer_greeting : channel->own_greeting;
    const auto digest = greetings_digest(client_greeting, server_greeting);
    std::copy_n(digest.begin(), channel->id.size(), channel->id.begin());

    if (may_resume()) {
      use_keys(direction_keys(reserve.channel_key().expose(), "resume", digest), true);
      return become_ready();
    }
    channel->phase = Phase::bootstrapping;
    std::vector<std::byte> context(client_greeting);
    context.insert(context.end(), server_greeting.begin(), server_greeting.end());
    const auto& client_box = client() ? settings.local_box : settings.peer_box;
    const auto& server_box = client() ? settings.peer_box : settings.local_box;
    channel->handshake.emplace(
        client() ? crypto::TlsRole::client : crypto::TlsRole::server, psk,
        std::format("cloister-bootstrap v1 client={} server={} link={}", client_box, server_box, settings.link),
        std::move(context));
    if (client()) on_bootstrap({}, now);
  }

  /// The same lives of both services, and the same block's channel key on both.
  [[nodiscard]] bool may_resume() const {
    const auto& peer = channel->peer;
    return same_lives() && reserve.ready() && peer.channel_block == reserve.channel_block()->value;
  }
  [[nodiscard]] bool same_lives() const {
    return peer_life == channel->peer.life && channel->peer.known_peer_life == life;
  }

  void on_bootstrap(std::span<const std::byte> bytes, Instant now) {
    auto answer = channel->handshake->advance(bytes);
    if (!answer) {
      if (const auto alert = channel->handshake->take_alert(); !alert.empty()) send(FrameKind::bootstrap, alert);
      return end("BOOTSTRAP_REFUSED", answer.error().message, now);
    }
    if (!answer->empty()) send(FrameKind::bootstrap, *answer);
    if (!channel->handshake->done()) return;
    auto secret = channel->handshake->take_secret();
    channel->handshake.reset();
    if (!secret) return end("BOOTSTRAP_REFUSED", secret.error().message, now);
    channel->bootstrap.emplace(std::move(*secret));
    use_keys(direction_keys(channel->bootstrap->secret.expose(), "bootstrap", channel->id), false);
    become_ready();
  }

  void use_keys(DirectionKeys keys, bool by_qkd) {
    channel->send_key = std::move(client() ? keys.client : keys.server);
    channel->receive_key = std::move(client() ? keys.server : keys.client);
    channel->sends_by_qkd = channel->receives_by_qkd = channel->switched = by_qkd;
  }

  void become_ready() {
    channel->phase = Phase::readying;
    send(FrameKind::ready);
  }

  /// The peer's first frame under the new keys: both greetings are authentic now.
  void on_ready(Instant now) {
    if (const auto difference = first_difference(settings.agreement, channel->peer.agreement)) {
      back_off = back_off_max;
      return end("AGREEMENT_DIFFERS",
                 std::format("the two boxes are configured differently: {}: make them alike", *difference), now);
    }
    std::vector<BlockId> kept;
    if (same_lives()) std::ranges::set_intersection(held, channel->peer.held, std::back_inserter(kept));
    held = kept;
    reserve.keep_only(kept);
    peer_life = channel->peer.life;

    channel->phase = Phase::established;
    channel->established_at = now;
    channel->next_keep_alive = now + keep_alive_interval;
    const BlockId first{std::max(book.next().value, channel->peer.next_block)};
    book.begin_session(first);
    counters.last_error.clear();
    outage_reported = true;
    actions.emplace_back(Established{first, kept, channel->switched ? Authenticator::qkd : Authenticator::bootstrap});
    offer_switch();  // a reserve that both kept through a new bootstrap serves again at once
    arm(now);
  }

  // Switch-over.

  void offer_switch() {
    if (!established() || channel->sends_by_qkd || !reserve.ready()) return;
    wire::Writer payload;
    payload.block_id(*reserve.channel_block());
    send(FrameKind::switch_keys, payload.view());
    auto keys = direction_keys(reserve.channel_key().expose(), "switched", channel->id);
    channel->send_key = std::move(client() ? keys.client : keys.server);
    channel->sends_by_qkd = true;
    settle_switch();
  }

  void on_switch(const Frame& frame, Instant now) {
    wire::Reader in{frame.payload};
    const auto block = in.block_id();
    if (!block || !in.at_end() || channel->receives_by_qkd)
      return end("PEER_PROTOCOL", "the peer switches keys when it may not", now);
    channel->switch_awaited = *block;
    try_switch_receiving();
  }

  /// The peer may hold the block a moment before we do; its frames wait until then.
  void try_switch_receiving() {
    if (!channel->switch_awaited || !reserve.ready() || reserve.channel_block() != channel->switch_awaited) return;
    auto keys = direction_keys(reserve.channel_key().expose(), "switched", channel->id);
    channel->receive_key = std::move(client() ? keys.server : keys.client);
    channel->receives_by_qkd = true;
    channel->switch_awaited.reset();
    settle_switch();
  }

  void settle_switch() {
    if (channel->switched || !channel->sends_by_qkd || !channel->receives_by_qkd || book.any_under_bootstrap()) return;
    channel->switched = true;
    channel->bootstrap.reset();
    actions.emplace_back(AuthenticatorChanged{Authenticator::qkd});
  }

  // Blocks.

  OpenBlock* open_block(BlockId block, bool by_qkd) {
    if (by_qkd) return book.open(block, reserve.hash_key(), true);
    return channel->bootstrap ? book.open(block, channel->bootstrap->hash_key, false) : nullptr;
  }

  /// A frame of a block from the peer, into the transcript; null when the block is no more.
  OpenBlock* transcribe(const Frame& frame, std::span<const std::byte> body, Instant now) {
    if (book.abandoned(frame.block)) return nullptr;
    OpenBlock* open = book.find(frame.block);
    if (open == nullptr) open = open_block(frame.block, channel->receives_by_qkd);
    if (open == nullptr || open->peer_note) {
      end("PEER_PROTOCOL", std::format("a frame of block {}, which is not open", frame.block.value), now);
      return nullptr;
    }
    open->transcript.add(peer_direction(), body);
    return open;
  }

  void on_block(const Frame& frame, std::span<const std::byte> body, Instant now) {
    const bool abandoned = book.abandoned(frame.block);
    if (!abandoned && transcribe(frame, body, now) == nullptr) return;
    actions.emplace_back(DeliverBlockMessage{frame.block, frame.type, {frame.payload.begin(), frame.payload.end()}});
  }

  void on_close(const Frame& frame, std::span<const std::byte> body, Instant now) {
    OpenBlock* open = transcribe(frame, body, now);
    if (open == nullptr) return;
    open->peer_note = std::vector<std::byte>(frame.payload.begin(), frame.payload.end());
    send_tag(frame.block, *open, now);
  }

  [[nodiscard]] const crypto::HashKey& hash_key(const OpenBlock& open) const {
    return open.by_qkd ? reserve.hash_key() : channel->bootstrap->hash_key;
  }

  void send_tag(BlockId block, OpenBlock& open, Instant now) {
    if (!open.closed() || open.tag_sent) return;
    const auto hash = open.transcript.close(hash_key(open), channel->id, block, own_direction());
    wire::Writer payload;
    if (open.by_qkd) {
      auto pad = reserve.take_next(own_direction());
      if (!pad) {
        reserve.clear();  // the next session bootstraps anew, as both greetings will say
        return end("RESERVE_EMPTY", "the authentication reserve is spent: the channel must be bootstrapped again", now);
      }
      counters.pad_bits_spent += Reserve::pad_bits;
      payload.key_name(pad->name).bytes(crypto::seal_tag(hash, std::move(pad->pad)));
    } else {
      payload.key_name({}).bytes(crypto::seal_tag(hash, channel->bootstrap->pad(block, own_direction())));
    }
    open.tag_sent = true;
    send(FrameKind::tag, block, 0, payload.view());
  }

  void on_tag(const Frame& frame, Instant now) {
    if (book.abandoned(frame.block)) return;
    OpenBlock* open = book.find(frame.block);
    wire::Reader in{frame.payload};
    const auto name = in.key_name();
    const auto bytes = in.bytes(16);
    if (open == nullptr || !open->closed() || open->tag_verified || !name || !bytes || !in.at_end()) {
      return end("PEER_PROTOCOL", std::format("a tag of block {} that cannot be", frame.block.value), now);
    }
    crypto::Block128 tag{};
    std::ranges::copy(*bytes, tag.begin());
    const auto hash = open->transcript.close(hash_key(*open), channel->id, frame.block, peer_direction());
    bool good = false;
    if (open->by_qkd) {
      const crypto::TagPad* pad = reserve.find(peer_direction(), *name);
      good = pad != nullptr && crypto::tag_matches(hash, *pad, tag);
      if (good) reserve.spend(peer_direction(), *name);
    } else {
      good = crypto::tag_matches(hash, channel->bootstrap->pad(frame.block, peer_direction()), tag);
    }
    if (!good)
      return end(
          "CHANNEL_TAMPERED",
          std::format("the transcript of block {} differs on the two boxes: someone changed the classical channel",
                      frame.block.value),
          now);
    open->tag_verified = true;
    send(FrameKind::verified, frame.block, 0, {});
    settle_block(frame.block, *open);
  }

  void on_verified(const Frame& frame, Instant now) {
    if (book.abandoned(frame.block)) return;
    OpenBlock* open = book.find(frame.block);
    if (open == nullptr || !open->tag_sent || open->peer_verified)
      return end("PEER_PROTOCOL", std::format("a verdict on block {} that cannot be", frame.block.value), now);
    open->peer_verified = true;
    settle_block(frame.block, *open);
  }

  void settle_block(BlockId block, OpenBlock& open) {
    if (!open.held()) return;
    BlockHeld held_block{block, std::move(*open.own_note), std::move(*open.peer_note),
                         open.by_qkd ? Authenticator::qkd : Authenticator::bootstrap};
    book.finish(block);
    held.push_back(block);
    std::ranges::sort(held);
    if (held.size() > greeting_held_max) held.erase(held.begin());
    ++counters.blocks_held;
    actions.emplace_back(std::move(held_block));
    settle_switch();
  }

  // Receiving.

  void receive(Instant now) {
    while (channel && !channel->switch_awaited) {
      const bool known = channel->receive_key.has_value();
      auto sealed = channel->incoming.next(known ? frame_bytes_max : frame_bytes_max_unknown);
      if (!sealed)
        return end(known ? "CHANNEL_TAMPERED" : "PEER_PROTOCOL",
                   "the classical channel carries " + sealed.error().message, now);
      if (!*sealed) break;
      const auto body = open_frame(**sealed, known ? &*channel->receive_key : nullptr);
      const auto frame = body ? decode_body(*body) : std::nullopt;
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

  void dispatch(const Frame& frame, std::span<const std::byte> body, Instant now) {
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
      case FrameKind::keep_alive:
        return;
      case FrameKind::greeting:
      case FrameKind::bootstrap:
      case FrameKind::ready:
        return unexpected();
    }
  }
};

Session::Session(Settings settings, crypto::Psk psk, crypto::Random& random, Instant now)
    : state_{std::make_unique<State>()} {
  State& state = *state_;
  state.settings = std::move(settings);
  state.psk = std::move(psk);
  state.random = &random;
  state.side = side_of(state.settings.local_box, state.settings.peer_box);
  random.fill(state.life);
  state.outage_since = now;
  if (state.client()) state.actions.emplace_back(Connect{now});
  state.arm(now);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

void Session::on_connected(Instant now) {
  if (state_->channel) state_->lose("the peer connected anew", now);
  state_->greet(now);
}

void Session::on_received(std::span<const std::byte> bytes, Instant now) {
  if (!state_->channel) return;
  state_->channel->incoming.feed(bytes);
  state_->receive(now);
}

void Session::on_disconnected(const std::string& reason, Instant now) {
  if (state_->channel) return state_->lose(reason, now);
  state_->counters.last_error = reason;
  state_->reconnect(now);
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
  if (state.established() && now >= state.channel->next_keep_alive) {
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
  state.send(FrameKind::close, block, 0, note);
  open->own_note = std::move(note);
  state.send_tag(block, *open, now);
}

void Session::abandon_block(BlockId block) {
  if (!state_->established()) return;
  state_->book.abandon(block);
  state_->settle_switch();
}

void Session::add_reserve(BlockId block, crypto::SecretBits bits, Instant now) {
  State& state = *state_;
  state.reserve.add(block, bits);
  if (!state.established()) return;
  state.try_switch_receiving();
  state.offer_switch();
  state.receive(now);
}

void Session::on_protocol_error(const std::string& what, Instant now) {
  if (state_->established()) state_->end("PEER_PROTOCOL", what, now);
}

std::uint64_t Session::reserve_need_bits() const { return state_->reserve.need_bits(state_->settings.reserve_bits); }

std::optional<Action> Session::next_action() {
  auto& actions = state_->actions;
  if (actions.empty()) return std::nullopt;
  Action action = std::move(actions.front());
  actions.pop_front();
  return action;
}

Status Session::status() const {
  const State& state = *state_;
  Status status = state.counters;
  status.reserve_bits = state.reserve.bits();
  status.reserve_bits_max = state.settings.reserve_bits + Reserve::hash_key_bits + Reserve::channel_key_bits;
  if (!state.channel) {
    status.state = "disconnected";
    return status;
  }
  switch (state.channel->phase) {
    case Phase::greeting:
      status.state = "greeting";
      break;
    case Phase::bootstrapping:
    case Phase::readying:
      status.state = "bootstrapping";
      break;
    case Phase::established:
      status.state = "established";
      status.authenticator = state.channel->switched ? Authenticator::qkd : Authenticator::bootstrap;
      break;
  }
  return status;
}

}  // namespace cloister::session
