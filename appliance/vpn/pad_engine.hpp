#pragma once
/// The pads of one tunnel whose packets go under one-time pads: who may use which key of the stocks, and where in an SA's
/// pad it comes to lie. Each direction is its own, with a stock of its own that its sender takes from.
///
///   sender                                                      receiver
///     STANDING{of both directions} ◀───────────────────────────▶  STANDING, once each, when a session comes up
///     takes a key of the stock of hash keys
///     OPEN{epoch, key name} ───────────────────────────────────▶  takes the key of that name: the hash key
///                                                                installs the receiving SA, without pad
///     installs the sending SA, without pad  ◀────── OPENED{epoch, SPI}
///     takes keys of the stock
///     GIVE{epoch, place, key names} ───────────────────────────▶  takes those keys, adds them to its pad
///     adds them to its pad, and may use them ◀────── TAKEN{epoch, end}           … again, as the pad is used
///
/// Pad is used from when the receiver has it, so no packet is lost for want of it there. What the receiver does not have is
/// REFUSED, and burnt on both. These messages are computationally authentic only. Who breaks that in time can make the two
/// disagree, and knows what he likes of the pad of texts that he knows; never of a hash key, whose bits are of a stock of
/// their own, so that a forgery has no more chance than without. (Of one pad for both he could have an SA opened under what
/// he has read.)
///
/// The pads are bits of the blocks as they are: no derivation, no generator, no exchange. Only
/// keys of blocks that paid tags have authenticated serve, which the stock sees to, and this engine looks.
///
/// An SA has no end in time, as its pad does not age; it outlives a session. What the last one has left, the next
/// one's STANDING settles: pad that the receiver has and the sender was not told of is burnt there; keys that were taken for
/// it are burnt on both; an SA that the other side does not have (it was restarted) is burnt, and a new one is opened.
///
/// Without pad nothing is sent. A tunnel with too little for the longest packet is blocked, until half of what its SA may
/// hold is there again: one that uses pad as fast as it comes stays so, and sends what it can.
///
/// An engine: events and time in, actions out. The SAs are shared with those who send and receive.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/vpn/pad_packet.hpp"
#include "appliance/vpn/rekey.hpp"
#include "crypto/error.hpp"
#include "crypto/random.hpp"

namespace cloister::vpn {

struct PadSettings {
  std::string tunnel;
  std::uint64_t units_max = 0;  // ahead of the sender in its SA, for each direction
};

/// A key of the stock, in its turn.
struct GivenKey {
  wire::KeyName name;
  wire::Authenticator by{};
  crypto::TunnelKey key;
};

// Actions, beside some of rekey.hpp.
enum class PadStock : std::uint8_t { pad, hash_keys };
/// Answer with on_keys, or on_no_keys, for the next keys of that stock for sending.
struct NeedPadKeys {
  PadStock stock;
  std::size_t most;
};
/// The same for these of that stock for receiving, all of them.
struct NeedNamedPadKeys {
  PadStock stock;
  std::vector<wire::KeyName> names;
};
/// The keys of that stock before these are to be burnt, for sending and for receiving.
struct BurnPadKeysBefore {
  PadStock stock{};
  wire::KeyName sending;
  wire::KeyName receiving;
};
struct InstallPadInbound {
  std::shared_ptr<InboundPadSa> sa;
};
struct InstallPadOutbound {
  std::shared_ptr<OutboundPadSa> sa;
};
/// They are burnt already.
struct RetirePadInbound {
  Spi spi;
};
struct RetirePadOutbound {};
using PadAction =
    std::variant<SendMessage, NeedPadKeys, NeedNamedPadKeys, BurnPadKeysBefore, InstallPadInbound, InstallPadOutbound,
                 RetirePadInbound, RetirePadOutbound, WakeAt, TunnelUp, TunnelBlocked>;

class PadEngine {
 public:
  PadEngine(PadSettings settings, crypto::Random& random);
  ~PadEngine();
  PadEngine(PadEngine&&) noexcept;
  PadEngine& operator=(PadEngine&&) noexcept;

  void on_session_up(Instant now);
  void on_session_down(Instant now);
  /// The tunnel is no more: its SAs are burnt at once. The last call before the engine is destroyed.
  void end();
  /// An error is a broken protocol: the session must end with an alarm.
  [[nodiscard]] Result<> on_message(std::uint8_t type, std::span<const std::byte> payload, Instant now);
  void on_keys(std::vector<GivenKey> keys, Instant now);
  void on_no_keys(Instant now);
  void on_timer(Instant now);

  [[nodiscard]] std::optional<PadAction> next_action();
  /// `rekeys` are the times that pad was added.
  [[nodiscard]] RekeyStatus status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::vpn
