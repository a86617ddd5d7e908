#pragma once
/// One link's peer session: who is at the other end of the classical channel, and that nobody between changes a byte.
///
///   Disconnected ──connected──▶ Greeting ──both hold QKD reserve of one life──▶ Established
///                                  ├──both hold a sealed reserve──▶ Leasing (restart.cpp) ──chunks open──▶ Established
///                                  ├──else──▶ Bootstrapping (TLS 1.3) ──exporter──▶ Established
///                                  └──or must wait for an operator (bootstrap_policy.cpp)──▶ Disconnected
///   any ──error, silence, disconnect──▶ Disconnected (reported once; reconnects with back-off)
///
///   in Established, per block:  chain messages … CLOSE ⇄ CLOSE, TAG ⇄ TAG   both tags hold: pending
///                               VERIFIED ⇄ VERIFIED                          the peer's word came: held
///
/// Every frame carries a sequence number and a computational MAC (HMAC-SHA-256, truncated to 16 bytes), so that junk is
/// dropped early. The transcript of each block, every frame of it in both directions in order, is authenticated once
/// per direction by a polynomial hash over GF(2^128) whose tag is encrypted with a pad that is used once: from the TLS
/// exporter until the reserve holds QKD pads on both boxes (`Authenticator::bootstrap`), from the reserve after that
/// (`Authenticator::qkd`), and never back in a session's life. Where the policy lets it, a block may be authenticated by
/// pads that are derived from QKD key (`Authenticator::computational`): reserve_policy.cpp has when, and each block says.
/// The channel is authentic, not confidential.
///
/// An engine: events and time in, actions out, drained by the owner after each event.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/hooks/handshake.hpp"
#include "appliance/session/sealed_reserve.hpp"
#include "appliance/wire/names.hpp"
#include "crypto/bits.hpp"
#include "crypto/error.hpp"
#include "crypto/random.hpp"

namespace cloister::session {

using Instant = std::chrono::steady_clock::time_point;
using wire::Authenticator;
using wire::BlockId;

/// The box whose name sorts first connects; the other listens.
enum class Side { client, server };
[[nodiscard]] Side side_of(const std::string& local_box, const std::string& peer_box);

/// Who lets a link bootstrap that has bootstrapped before. The first time is the operator's who has set it up.
enum class BootstrapAgain { automatic, by_operator };

/// What authenticates blocks once there is QKD key.
enum class Policy {
  its_only,       // pads of the reserve; without them there is no session
  its_preferred,  // pads of the reserve as long as they are not wasted; below its low mark derived ones, too
  computational,  // derived pads
};
/// "its-only", "its-preferred", "computational", as a configuration says it.
[[nodiscard]] const char* to_string(Policy policy);

struct Settings {
  std::string link;
  std::string local_box;
  std::string peer_box;
  /// What both boxes must have configured alike (distillation parameters, tunnels' names and policies), as `key=value`
  /// lines; a difference ends the session with an error that names the line.
  std::string agreement;
  BootstrapAgain bootstrap_again = BootstrapAgain::automatic;
  Policy policy = Policy::its_preferred;         // alike on both boxes
  std::uint64_t reserve_bits = 16UZ * 1024 * 8;  // the size to which the authentication reserve is filled
  SealedLayout sealed{};                         // alike on both boxes, else neither uses its sealed reserve
  // Each lease is a write to the TPM's memory, which wears: so many at once, then one in each interval. With these a
  // counter is written at most 16 + 35,040 times in a year of uptime, whatever the peer or the network does.
  std::uint32_t leases_at_once = 16;
  std::chrono::seconds lease_interval{15 * 60};
};

// Actions.
struct Connect {
  Instant not_before;
};  // client: open the TCP connection, at this time
struct Transmit {
  std::vector<std::byte> bytes;
};
struct Disconnect {};  // close the TCP connection
struct Wake {
  Instant at;
};  // call on_timer then; replaces an earlier Wake
/// The session lives; the chain starts with `first_block`. `kept` are the held blocks that both boxes still have: all
/// others are to be burnt.
struct Established {
  BlockId first_block;
  std::vector<BlockId> kept;
  Authenticator by;
  bool restarted = false;  // on the sealed reserve: one of the services was restarted, and there was no bootstrap
};
struct DeliverBlockMessage {
  BlockId block;
  std::uint8_t type;
  std::vector<std::byte> payload;
};
struct DeliverMessage {
  std::uint8_t type;
  std::vector<std::byte> payload;
};
/// Both boxes have the block: its key may be allocated, by both boxes' notes (what each gave to close_block), alike on
/// both.
struct BlockHeld {
  BlockId block;
  std::vector<std::byte> own_note;
  std::vector<std::byte> peer_note;
  Authenticator by;
};
/// The block's transcript did not become authentic on both boxes: its key is to be wiped.
struct BlockBurnt {
  BlockId block;
};
/// From now on the channel is authenticated by `by`, which `from` did before.
struct AuthenticatorChanged {
  Authenticator from;
  Authenticator by;
};
/// The vault, which keeps what outlives the process: does these in order and durably, and tells each by on_vault_done.
struct StoreRecord {
  crypto::SecretVector<std::byte> record;
};
struct MoveCounter {
  Counter counter;
  std::uint64_t to;
};
/// A step of the bootstrap's handshake, in which this box's TPM may have to sign, which takes its time: to be done beside
/// (`handshake.advance(received)`), and told by on_handshake. One at a time; the peer's frames wait.
struct AdvanceHandshake {
  std::uint64_t connection;  // the session's count of them
  hooks::Handshake handshake;
  std::vector<std::byte> received;
};
struct Lost {
  std::string reason;
};  // the session is over; the chain stops
/// Something that an operator must know; `code` is stable: "CHANNEL_TAMPERED", "BOOTSTRAP_REFUSED", "BOOTSTRAP_WAITS",
/// "PEER_UNREACHABLE", "PEER_SILENT", "AGREEMENT_DIFFERS", "PEER_PROTOCOL", "RESERVE_EMPTY",
/// "AUTHENTICATION_LOWERED", "RESERVE_ROLLED_BACK", "SEALED_RESERVE_SPENT", "SEALED_RESERVE_UNAVAILABLE", "TPM_SLOW".
struct Alarm {
  std::string code;
  std::string text;
};
using Action =
    std::variant<Connect, Transmit, Disconnect, Wake, Established, DeliverBlockMessage, DeliverMessage, BlockHeld,
                 BlockBurnt, AuthenticatorChanged, StoreRecord, MoveCounter, AdvanceHandshake, Lost, Alarm>;

/// Who must let the boxes bootstrap, while nothing else authenticates the channel.
enum class Awaited { nobody, own_operator, peers_operator };

struct Status {
  std::string state;  // "disconnected", "greeting", "leasing", "bootstrapping", "established"
  Authenticator authenticator = Authenticator::none;  // under QKD key: of the newest held block
  Awaited awaited = Awaited::nobody;
  std::uint64_t reserve_bits = 0;
  std::uint64_t reserve_bits_max = 0;
  std::uint64_t pad_bits_spent = 0;  // QKD bits spent on tags since the process began
  std::uint64_t sealed_chunks = 0;   // restarts that the sealed reserve still serves
  std::uint64_t leases_granted = 0;  // since the process began
  std::uint64_t blocks_held = 0;
  std::uint64_t blocks_burnt = 0;
  std::uint64_t blocks_computational = 0;  // of the held ones
  std::string last_error;                  // empty when there was none since the session was last established
};

/// What a box's reserve lacks.
struct ReserveNeed {
  std::uint64_t bits = 0;  // but pads: both boxes lack it alike
  std::uint32_t pads = 0;  // for this box's tags: how many of them are used, only who makes the tags knows
};
struct LackingPads {
  std::uint32_t own = 0;
  std::uint32_t peers = 0;
};

class Session {
 public:
  Session(Settings settings, crypto::Credentials credentials, crypto::Random& random, Instant now);
  ~Session();
  Session(Session&&) noexcept;

  /// Before anything else, when there is a vault: the session may keep a sealed reserve in it.
  void restore(const KeptReserve& kept);
  /// The oldest of what the vault was told to do is done; the counter's value, or 0 for a record.
  void on_vault_done(const Result<std::uint64_t>& outcome, Instant now);

  /// The handshake's step is done, and gave this answer.
  void on_handshake(AdvanceHandshake step, const Result<std::vector<std::byte>>& answer, Instant now);

  /// Whom the operator's authority vouches for, as from now on; for a session that bootstraps by certificates.
  void renew(std::shared_ptr<const crypto::Authority> authority);
  /// What other boxes' vouchers say of the peer's key, as from now on; for a session that bootstraps by pinned keys.
  void renew(Result<crypto::TrustedKey> peer);
  /// What it bootstraps by, as renewed last.
  [[nodiscard]] const crypto::Credentials& credentials() const;

  /// From now on.
  void follow(BootstrapAgain again);
  /// The operator lets the boxes bootstrap, once. An error: nothing waits for that.
  [[nodiscard]] Result<> allow_bootstrap(Instant now);

  // The transport.
  void on_connected(Instant now);
  void on_received(std::span<const std::byte> bytes, Instant now);
  void on_disconnected(const std::string& reason, Instant now);
  void on_timer(Instant now);
  /// Whether a newcomer may take the place of the present connection. Who has proven to be the peer is not displaced:
  /// its silence is what ends a session.
  [[nodiscard]] bool may_be_displaced(Instant now) const;

  // The owner; each is ignored when no session is established.
  void send_block_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload, Instant now);
  void send_message(std::uint8_t type, std::span<const std::byte> payload, Instant now);
  /// The chain has amplified the block: exchange tags. `note` travels inside the transcript.
  void close_block(BlockId block, std::vector<std::byte> note, Instant now);
  /// The chain has dropped the block, on both boxes: its transcript is forgotten and costs nothing.
  void abandon_block(BlockId block);
  /// QKD bits of a held block for the reserve; both boxes call it with equal bits in the same order of blocks, and with
  /// what each box said of the pads that it lacks.
  void add_reserve(BlockId block, crypto::SecretBits bits, LackingPads lacking, Instant now);
  /// The peer's message was not what the chain or a tunnel expects: ends the session with an alarm.
  void on_protocol_error(const std::string& what, Instant now);

  /// What the reserve will lack of its size when the next block is held, for that block's note.
  [[nodiscard]] ReserveNeed reserve_need() const;
  /// A box that says it lacks more errs.
  [[nodiscard]] std::uint32_t pads_when_full() const;
  /// Whether a held block's bits may go to the reserve; both boxes say the same of a block.
  [[nodiscard]] bool feeds_reserve(Authenticator by) const;
  /// The same of a block that would begin now, as far as this box knows.
  [[nodiscard]] bool next_block_feeds_reserve() const;
  [[nodiscard]] std::optional<Action> next_action();
  [[nodiscard]] Status status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::session
