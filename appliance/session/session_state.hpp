#pragma once
/// The state of a session engine and its steps, shared by the files that implement them:
///
///   session.cpp      the engine's door, the life of its connections, receiving
///   bootstrap.cpp    greeting, TLS, the first keys
///   switch_over.cpp  from bootstrap to QKD keys
///   blocks.cpp       transcripts, tags, held blocks

#include <algorithm>
#include <chrono>
#include <deque>
#include <format>
#include <iterator>

#include "appliance/session/block_book.hpp"
#include "appliance/session/channel.hpp"
#include "appliance/session/reserve.hpp"
#include "appliance/session/session.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::session {

inline constexpr auto back_off_max = std::chrono::milliseconds{30'000};
inline constexpr auto bootstrap_patience = std::chrono::seconds{10};
inline constexpr auto keep_alive_interval = std::chrono::seconds{1};
inline constexpr auto back_off_first = std::chrono::milliseconds{250};
inline constexpr std::size_t client_to_server = 0;
inline constexpr std::size_t server_to_client = 1;

struct Session::State {
  Settings settings;
  crypto::Psk psk;
  crypto::Random* random = nullptr;
  Side side = Side::client;
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
  /// The block whose key authenticates the channel, as the greeting tells it; 0 when there is none.
  [[nodiscard]] std::uint64_t channel_block() const { return reserve.ready() ? reserve.channel_block()->value : 0; }

  void alarm(std::string code, std::string text) {
    counters.last_error = text;
    actions.emplace_back(Alarm{std::move(code), std::move(text)});
  }

  // Sending.

  void send(FrameKind kind, BlockId block, std::uint8_t type, std::span<const std::byte> payload);
  void send(FrameKind kind, std::span<const std::byte> payload = {}) { send(kind, {}, 0, payload); }

  // The connection's life.

  void lose(const std::string& reason, Instant now);
  void reconnect(Instant now, bool was_connected);
  /// The peer, or someone between, did what cannot be: the session ends, with an alarm.
  void end(std::string code, std::string text, Instant now);
  void arm(Instant now);
  void greet(Instant now);

  // Greeting and bootstrap.

  void on_greeting(const Frame& frame, Instant now);
  /// The same lives of both services, and the same block's channel key on both.
  [[nodiscard]] bool may_resume() const;
  [[nodiscard]] bool same_lives() const;
  void on_bootstrap(std::span<const std::byte> bytes, Instant now);
  void use_keys(DirectionKeys keys, bool by_qkd);
  void become_ready();
  /// The peer's first frame under the new keys: both greetings are authentic now.
  void on_ready(Instant now);

  // Switch-over.

  void offer_switch();
  void on_switch(const Frame& frame, Instant now);
  /// The peer may hold the block a moment before we do; its frames wait until then.
  void try_switch_receiving();
  void settle_switch();

  // Blocks.

  OpenBlock* open_block(BlockId block, bool by_qkd);
  /// A frame of a block from the peer, into the transcript; null when the block is no more.
  OpenBlock* transcribe(const Frame& frame, std::span<const std::byte> body, Instant now);
  void on_block(const Frame& frame, std::span<const std::byte> body, Instant now);
  void on_close(const Frame& frame, std::span<const std::byte> body, Instant now);
  [[nodiscard]] const crypto::HashKey& hash_key(const OpenBlock& open) const;
  void send_tag(BlockId block, OpenBlock& open, Instant now);
  void on_tag(const Frame& frame, Instant now);
  void on_verified(const Frame& frame, Instant now);
  void settle_block(BlockId block, OpenBlock& open);

  // Receiving.

  void receive(Instant now);
  void dispatch(const Frame& frame, std::span<const std::byte> body, Instant now);
};

}  // namespace cloister::session
