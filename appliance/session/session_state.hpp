#pragma once
/// The state of a session engine and its steps, shared by the files that implement them:
///
///   session.cpp      the engine's door, the life of its connections, receiving
///   bootstrap.cpp    greeting, TLS, the first keys
///   bootstrap_policy.cpp   whether it may be
///   switch_over.cpp  from bootstrap to QKD keys
///   reserve_policy.cpp     whether pads of the reserve pay for a block
///   restart.cpp      from the sealed reserve to QKD keys, and the making of a new one
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
inline constexpr auto back_off_waiting_max = std::chrono::milliseconds{5'000};  // for an operator
inline constexpr auto bootstrap_patience = std::chrono::seconds{10};
inline constexpr auto keep_alive_interval = std::chrono::seconds{1};
inline constexpr auto back_off_first = std::chrono::milliseconds{250};
inline constexpr std::size_t client_to_server = 0;
inline constexpr std::size_t server_to_client = 1;

/// The opening of a chunk of each direction for one pair of lives. It outlives the connection: whoever cuts that gains
/// no second chunk by it.
struct Opening {
  std::uint64_t number = 0;
  Life peer_life{};
  GenerationId generation{};
  std::optional<std::uint32_t> own_chunk;
  bool noted = false;   // on disk: the peer may be asked
  bool moving = false;  // the own counter is on its way
  bool opened = false;  // its pads are in the reserve
  std::optional<std::uint32_t> peer_chunk;
  bool peer_granted = false;  // durably; the pads are in the reserve
};

/// A generation in the making, from held blocks' bits.
struct Building {
  crypto::SecretBits bits;
  std::array<std::uint64_t, 2> sender_base{};
  std::array<std::uint64_t, 2> receiver_base{};
};

/// How a box goes on with few pads (reserve_policy.cpp).
struct Thrift {
  bool lowered = false;           // blocks under QKD keys were not paid for, against what is preferred, and none since
  bool told_empty = false;        // that no pad is left
  std::uint32_t wasted = 0;       // pads in a row, below the low mark, whose block was lost
  std::uint64_t blocks_left = 0;  // to be held before the next is tried
  std::optional<BlockId> in_doubt;  // whose tag has taken a pad: whether both boxes hold it is not known yet
  bool brought = false;             // it has given the reserve what its tags cost
};

/// By what the link may bootstrap that must not do so by itself. It goes with the next session, whatever authenticates
/// that, and with the process.
enum class Allowance { none, first, by_operator };

struct Session::State {
  Settings settings;
  crypto::Credentials credentials;
  crypto::Random* random = nullptr;
  Side side = Side::client;
  Authenticator told = Authenticator::none;  // to authenticate the channel, to the owner
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

  Thrift thrift;

  std::optional<Channel> channel;
  std::uint64_t connections = 0;
  bool step_away = false;  // of a handshake, of this connection or an earlier one

  // The bootstrap's policy.
  Allowance allowance = Allowance::none;
  Awaited awaited = Awaited::nobody;
  bool noting_bootstrap = false;

  // The sealed reserve; nothing without a vault, or when it has failed.
  std::optional<SealedReserve> sealed;
  std::optional<Opening> opening;
  std::uint64_t openings = 0;
  std::optional<Building> building;
  std::optional<GenerationId> made;  // by this pair of lives
  struct VaultStep {
    enum class What { note, grant, move, store_staged, store, note_bootstrap, bootstrapped } what{};
    std::uint64_t opening = 0;
    GenerationId generation{};
    std::uint64_t counter = 0;  // of note_bootstrap: where the own one goes then
  };
  std::deque<VaultStep> vault_steps;
  std::uint32_t leases_left = 0;
  Instant leases_counted{};

  [[nodiscard]] bool client() const { return side == Side::client; }
  [[nodiscard]] std::size_t own_direction() const { return client() ? client_to_server : server_to_client; }
  [[nodiscard]] std::size_t peer_direction() const { return 1 - own_direction(); }
  [[nodiscard]] bool established() const { return channel && channel->phase == Phase::established; }
  /// The block whose key authenticates the channel, as the greeting tells it; 0 when there is none.
  [[nodiscard]] std::uint64_t channel_block() const { return reserve_serves() ? reserve.channel_block()->value : 0; }

  void alarm(std::string code, std::string text) {
    counters.last_error = text;
    actions.emplace_back(Alarm{std::move(code), std::move(text)});
  }

  // Sending.

  void send(FrameKind kind, BlockId block, std::uint8_t type, std::span<const std::byte> payload);
  void send(FrameKind kind, std::span<const std::byte> payload = {}) { send(kind, {}, 0, payload); }

  // The connection's life.

  void disconnected(const std::string& reason, Instant now);
  void lose(const std::string& reason, Instant now);
  void reconnect(Instant now, bool was_connected);
  /// The peer, or someone between, did what cannot be: the session ends, with an alarm.
  void end(std::string code, std::string text, Instant now);
  void arm(Instant now);
  void begin_connection(Instant now);
  void greet();

  // Greeting and bootstrap.

  void on_greeting(const Frame& frame, Instant now);
  /// The same lives of both services, and the same block's channel key on both.
  [[nodiscard]] bool may_resume() const;
  [[nodiscard]] bool same_lives() const;
  void on_bootstrap(std::span<const std::byte> bytes, Instant now);
  /// One at a time, whatever becomes of the connections: who comes and goes fills no queue before the TPM.
  void begin_step();
  void on_advanced(const Result<std::vector<std::byte>>& answer, Instant now);
  void use_keys(DirectionKeys keys, bool by_qkd);
  void become_ready();
  void establish(const std::vector<BlockId>& kept, Instant now);
  /// The peer's first frame under the new keys: both greetings are authentic now.
  void on_ready(Instant now);
  /// What came in its place: the peer may have refused this box's key, or mixed in another PSK.
  void on_unready(std::span<const std::byte> frame, Instant now);
  /// Both boxes are known to each other, and alike.
  void begin_session(Instant now);
  void refuse_bootstrap(const std::string& why, Instant now);

  // The bootstrap's policy.

  [[nodiscard]] bool may_bootstrap() const;
  /// Ends the connection; the next attempt may find that an operator has acted.
  void await_operator(Instant now);
  /// Before the session's first frame, so that no crash makes a second bootstrap the first. The session begins then.
  void note_bootstrap(Instant now);
  void on_bootstrap_on_disk(std::uint64_t counter);
  void on_bootstrap_noted(std::uint64_t own_counter, Instant now);
  /// It is noted, or the vault has failed and it cannot be.
  void go_on_after_note(Instant now);
  [[nodiscard]] std::string why_waiting(bool own, bool peers) const;

  // Switch-over.

  void offer_switch();
  void on_switch(const Frame& frame, Instant now);
  /// The peer may hold the block a moment before we do; its frames wait until then.
  void try_switch_receiving();
  void settle_switch();

  // Restart.

  [[nodiscard]] std::optional<GenerationId> common_generation() const;
  /// The peer's counters are authentic now; false when the session has ended over them.
  [[nodiscard]] bool judge_peer_counters(Instant now);
  void begin_opening(Instant now);
  void send_lease(std::uint8_t type, std::uint32_t chunk);
  void on_lease(const Frame& frame, Instant now);
  void on_asked(std::uint32_t chunk, Instant now);
  void on_granted(std::uint32_t chunk);
  void open_own_chunk();
  void take_peer_chunk();
  void open_peer_chunk();
  void tell_granted();
  void try_establish_opened(Instant now);
  [[nodiscard]] bool may_lease(Instant now);
  /// For an opening that has ended, or for this one: what `granted` is then, nobody knows before.
  [[nodiscard]] bool granting() const {
    return std::ranges::contains(vault_steps, VaultStep::What::grant, &VaultStep::what);
  }
  void greet_late(Instant now);
  void drop_reserve() {
    reserve.clear();
    thrift = {};
    opening.reset();
  }
  /// The sealed reserve cannot serve: the next connection bootstraps.
  void give_up(std::string why, Instant now);
  void begin_building();
  void add_to_building(const crypto::SecretBits& bits);
  [[nodiscard]] std::uint64_t building_need_bits() const;
  void on_stored(const Frame& frame, Instant now);
  void settle_made();
  void store(VaultStep step);

  // The reserve's policy.

  /// For a session that goes on with it.
  [[nodiscard]] bool reserve_serves() const;
  /// Of each direction, below which a pad that is wasted has consequences.
  [[nodiscard]] std::uint64_t low_pads() const;
  /// Blocks under QKD keys may be authenticated by derived pads.
  [[nodiscard]] bool may_be_unpaid() const;
  /// Whether this box would pay for the next block.
  [[nodiscard]] bool would_pay() const;
  [[nodiscard]] Authenticator by_qkd_now() const;
  void pad_taken(BlockId block);
  void block_unpaid(BlockId block, const OpenBlock& open);
  /// The peer goes on after `in_doubt`, so it holds it; below the low mark a block that brought less than it cost is no
  /// better than a lost one.
  void pad_paid();
  /// The boxes have met again, and both hold these.
  void judge_pad(std::span<const BlockId> kept);
  void pad_wasted();
  void tell(Authenticator by);
  void tell_established();

  // Blocks.

  OpenBlock* open_block(BlockId block, bool by_qkd);
  /// A frame of a block from the peer, into the transcript; null when the block is no more.
  OpenBlock* transcribe(const Frame& frame, std::span<const std::byte> body, Instant now);
  void on_block(const Frame& frame, std::span<const std::byte> body, Instant now);
  void on_close(const Frame& frame, std::span<const std::byte> body, Instant now);
  [[nodiscard]] const crypto::HashKey& hash_key(Authenticator by) const;
  /// What a tag of this direction encrypts.
  [[nodiscard]] crypto::PolynomialHash tag_hash(const OpenBlock& open, BlockId block, std::size_t direction) const;
  [[nodiscard]] const DerivedTags& derived_tags(Authenticator by) const;
  void send_tag(BlockId block, OpenBlock& open, Instant now);
  void on_tag(const Frame& frame, Instant now);
  void on_verified(const Frame& frame, Instant now);
  void settle_block(BlockId block, OpenBlock& open);

  // Receiving.

  void receive(Instant now);
  void dispatch(const Frame& frame, std::span<const std::byte> body, Instant now);
};

}  // namespace cloister::session
