#pragma once
/// The rekeying of one tunnel: a new pair of SAs before the old one ends, and what policy says when keys have run out.
///
///   initiator (the box whose name sorts first)                  responder
///     STANDING{epochs, first key not used} ◀────────────────▶  STANDING, once each, when a session comes up
///     takes a key of the stock
///     OFFER{epoch, key name, SPI to me, ML-KEM key} ─────────▶  takes the key of that name, encapsulates, derives
///                                                              installs receiving SA
///     installs receiving and sending SA   ◀──────────  ACCEPT{epoch, SPI to me, ciphertext}
///     CONFIRM{epoch} ────────────────────────────────────────▶ installs sending SA
///     retires the old receiving SA after the grace             retires the old receiving SA after the grace
///
///                        WISH ◀────────────────────────────  a new key is wanted there: by an operator, or by volume
///
/// No packet is lost: each side sends on the new SA only when the other is known to have its receiving half, and the
/// old receiving SA stays for the grace. A rekey is due at `rekey_interval`, or when so much has been sent; the first one,
/// and the one after a gap, at random within the interval, so that tunnels that came up together part.
///
/// An SA dies at `key_lifetime` after it was made. Without a new key then, as both boxes are configured alike:
///   - block     the tunnel carries nothing.
///   - extend    the same SA goes on, its numbers with it, for so long and for 2^32 packets in all at most. Both boxes
///               know it of each SA from its beginning, so that a cut of the whole fibre, session and all, is bridged.
///   - exchange  shortly before, EXCHANGE and EXCHANGED take the place of OFFER and ACCEPT: fresh X25519 and ML-KEM-768
///               secrets on the authenticated session, without which there is none. Anew at each `rekey_interval`.
/// Both are stopgaps: a key is asked for all the while, and the first one ends them. Half way from `rekey_interval` to
/// `key_lifetime` a tunnel without a new key says so.
///
/// A session may end between any two messages. What it leaves, the next one's STANDING settles on both sides:
///   - A key that was taken for an OFFER is burnt on both, whether the OFFER arrived or not: both stocks stay alike.
///   - The initiator sends on the new SA from ACCEPT on, so the responder's receiving SA outlives the session; a packet
///     that comes under it, or the initiator's next STANDING, stands for a CONFIRM that was lost.
///   - SAs that the other side does not have (it was restarted) end at once, and a rekey begins.
///
/// An engine: events and time in, actions out.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/vpn/esp.hpp"
#include "appliance/wire/names.hpp"
#include "crypto/error.hpp"
#include "crypto/kdf.hpp"
#include "crypto/random.hpp"

namespace cloister::vpn {

using Instant = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

/// What a tunnel does at the end of its key where the stock has no other.
enum class WhenKeysRunOut : std::uint8_t { block, extend, exchange };

/// What was sent through a tunnel.
struct Volume {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

/// Under one key of a tunnel that may extend it.
inline constexpr std::uint64_t extended_packets_max = std::uint64_t{1} << 32U;

struct RekeySettings {
  std::string tunnel;
  std::string local_box;
  std::string peer_box;
  bool initiator = false;
  bool hybrid = true;  // mix in an ML-KEM-768 secret
  milliseconds rekey_interval{10'000};
  milliseconds key_lifetime{30'000};
  WhenKeysRunOut when_keys_run_out = WhenKeysRunOut::block;
  milliseconds extend_for{0};
  Volume rekey_after{};  // 0: however much
};

// Actions.
struct SendMessage {
  std::uint8_t type;
  std::vector<std::byte> payload;
};
/// Initiator: answer with on_key (or on_no_key) for the next key of the stock. Responder: for the key of this name.
struct NeedKey {
  std::optional<wire::KeyName> name;
};
/// The tunnel's keys before `first` are to be burnt: the peer has used or burnt them.
struct BurnKeysBefore {
  wire::KeyName first;
};
struct InstallInbound {
  Spi spi;
  SaKey key;
};
struct InstallOutbound {
  Spi spi;
  SaKey key;
  std::uint64_t packets_max;
};
struct RetireInbound {
  Spi spi;
};
struct RetireOutbound {};  // nothing may be sent any more
struct WakeAt {
  Instant at;
};
/// What keeps the tunnel's traffic.
enum class KeySource : std::uint8_t { none, qkd, extended, exchange };
[[nodiscard]] const char* to_string(KeySource source);
struct TunnelUp {
  std::uint64_t epoch;
  KeySource source;
};
struct TunnelRekeyed {
  std::uint64_t epoch;
};
/// No new key has come for so long that the tunnel's traffic is in danger.
struct RekeyLate {
  milliseconds left;  // until the key's end
};
struct RekeyLateOver {
  bool by_key;  // else there is nothing to wait for any more
};
struct TunnelBlocked {
  std::string reason;
};
struct StopgapBegun {
  KeySource source;  // extended or exchange
};
struct StopgapEnded {
  bool by_key;  // of the stock; else the tunnel carries nothing
};
using RekeyAction =
    std::variant<SendMessage, NeedKey, BurnKeysBefore, InstallInbound, InstallOutbound, RetireInbound, RetireOutbound,
                 WakeAt, TunnelUp, TunnelRekeyed, RekeyLate, RekeyLateOver, TunnelBlocked, StopgapBegun, StopgapEnded>;

/// Of a tunnel under one-time pads.
struct PadFigures {
  std::uint64_t sending_bytes = 0;    // that the SA can use
  std::uint64_t used_bytes = 0;       // of it, by packets that were sent
  std::uint64_t receiving_bytes = 0;  // that the peer can use, as far as is known here
  double epsilon_per_packet = 0;      // that a forgery is taken, at most
  double epsilon_of_sa = 0;           // that one of all that the receiving SA has judged was
};

struct RekeyStatus {
  std::string state;  // "waiting" (never up), "up", "blocked"
  std::uint64_t epoch = 0;
  std::uint64_t rekeys = 0;
  std::uint64_t keys_taken = 0;                 // of the stock by this engine, 256 bits each
  std::optional<milliseconds> last_rekey_took;  // from the offer on
  std::optional<Spi> inbound;
  std::optional<Spi> outbound;
  std::optional<Spi> accepted;  // a receiving SA on which the peer may send already; see on_heard
  std::optional<Instant> key_made;
  std::optional<Instant> key_ends;  // but for what may be extended
  KeySource source = KeySource::none;
  wire::Authenticator authenticated_by{};  // the block that the key is from; nobody without one
  std::optional<PadFigures> pad;           // of a one-time-pad tunnel
};

class RekeyEngine {
 public:
  RekeyEngine(RekeySettings settings, crypto::Random& random, Instant now);
  ~RekeyEngine();
  RekeyEngine(RekeyEngine&&) noexcept;
  RekeyEngine& operator=(RekeyEngine&&) noexcept;

  void on_session_up(Instant now);
  void on_session_down(Instant now);
  /// The tunnel is no more: all its SAs end at once. The last call before the engine is destroyed.
  void end();
  /// A message that breaks the protocol is an error: the session must end with an alarm. A late or superseded one is
  /// not.
  [[nodiscard]] Result<> on_message(std::uint8_t type, std::span<const std::byte> payload, Instant now);
  /// `by` is what authenticated the key's block.
  void on_key(wire::KeyName name, wire::Authenticator by, crypto::TunnelKey key, Instant now);
  void on_no_key(Instant now);
  void on_timer(Instant now);
  /// What the tunnel has sent so far, under all its keys.
  void on_sent(Volume sent, Instant now);
  /// A packet of the peer has come under that SA, and was authentic: it stands for a CONFIRM that may be lost.
  void on_heard(Spi spi, Instant now);
  /// An operator wants a new key before its time; the responder asks the initiator. An error says why none can be had
  /// now; an exchange that is under way will do.
  [[nodiscard]] Result<> on_rekey_wanted(Instant now);

  [[nodiscard]] std::optional<RekeyAction> next_action();
  [[nodiscard]] RekeyStatus status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::vpn
