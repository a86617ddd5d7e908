#pragma once
/// The post-processing chain of one link, one box's half of it: detections and the peer's messages in, secret blocks
/// out.
///
///   Bob   frames ─▶ sift ─▶ ┐                                 ┌─▶ Amplified{block, key, account}
///                            ├─ estimate ─ reconcile ─ verify ─ amplify
///   Alice symbols ─▶ sift ─▶ ┘                                 └─▶ Dropped{block, reason, account}
///
/// An engine: no I/O, no clock. The owner feeds an event, then drains `next_action` until it is empty. Both boxes end a
/// block alike: `Amplified` on both, with equal keys unless the verification hash fails (probability below eps_cor), or
/// `Dropped` on both. What is amplified is not yet a key: the session must authenticate the block's transcript first.
///
/// Messages of a block are opaque to the session; the chain numbers their types. They arrive in the order they were
/// sent.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/distill/account.hpp"
#include "appliance/wire/names.hpp"
#include "crypto/bits.hpp"
#include "crypto/error.hpp"
#include "crypto/random.hpp"
#include "hal/frame.hpp"

namespace cloister::distill {

using wire::BlockId;

struct Send {
  BlockId block;
  std::uint8_t type = 0;
  std::vector<std::byte> payload;
};

/// The chain has made the block; its transcript is now to be authenticated, or once it is released.
struct Amplified {
  BlockId block;
  crypto::SecretBits key;
  Account account;
  bool quarantined = false;
};

/// A quarantined block may become a key now: it is not withdrawn by this box any more.
struct Released {
  BlockId block;
};

/// A block that was amplified, and is not to become a key: the watch over a device has found something.
struct Withdrawn {
  BlockId block;
  bool by_peer = false;
  std::string text;  // for a person
};

enum class DropReason : std::uint8_t {
  qber_above_limit,
  no_secret_key,
  reconciliation_failed,
  verification_failed,
  device_suspect,
  // Of keys that others have made:
  kmes_disagree,
  kme_failed
};

/// The block gave no key; everything of it is wiped.
struct Dropped {
  BlockId block;
  DropReason reason{};
  bool by_peer = false;  // the peer saw it first and told us
  std::string text;      // for a person: what was found, what is expected
  Account account;
};

using Action = std::variant<Send, Amplified, Released, Withdrawn, Dropped>;

/// What `status` shows.
struct Figures {
  std::uint64_t sifted_bits = 0;  // key-basis bits since the process began
  std::uint64_t secret_bits = 0;
  std::uint64_t detections = 0;
  std::uint64_t blocks_amplified = 0;
  std::uint64_t blocks_dropped = 0;
  std::uint64_t filling_bits = 0;        // sifted bits of the block that is being filled
  std::uint64_t quarantined_blocks = 0;  // amplified and not released
  std::uint64_t quarantined_bits = 0;    // of their keys
  std::optional<double> last_qber;       // of the key basis, of the last finished block
  std::optional<double> live_test_qber;  // of the test basis, of the block that is being filled
};

class Chain {
 public:
  virtual ~Chain() = default;
  /// A session has begun; the first block is `first`. Everything unfinished of an earlier session is wiped.
  virtual void start(BlockId first) = 0;
  /// The session has ended: everything unfinished is wiped, until the next `start`.
  virtual void stop() = 0;
  /// Receiver only. Call only while `wants_frame()`: otherwise hold back the device.
  virtual void on_frame(hal::DetectionFrame frame) = 0;
  [[nodiscard]] virtual bool wants_frame() const = 0;
  /// The watch over the device has found something: no open block becomes a key, on either box. The receiver drops them at once, the
  /// transmitter at their end; it is to be told again of each block that begins while that is so.
  virtual void discard(const std::string& why) = 0;
  /// A message that breaks the protocol is an error: the session must end with an alarm.
  [[nodiscard]] virtual Result<> on_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload) = 0;
  [[nodiscard]] virtual std::optional<Action> next_action() = 0;
  [[nodiscard]] virtual Figures figures() const = 0;
};

/// `symbols` and `random` outlive the chain.
[[nodiscard]] std::unique_ptr<Chain> make_alice_chain(const Parameters& parameters, hal::SymbolSource& symbols,
                                                      crypto::Random& random);
[[nodiscard]] std::unique_ptr<Chain> make_bob_chain(const Parameters& parameters, crypto::Random& random);

}  // namespace cloister::distill
