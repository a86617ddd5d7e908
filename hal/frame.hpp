#pragma once
/// What devices and distillation say to each other: slots, symbols, detections. No behaviour, no memory of its own.

#include <cstdint>
#include <span>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::hal {

/// The number of a light pulse since the epoch began; both ends count alike, slot 0 first.
using Slot = std::uint64_t;
/// Changes when either end or the fibre restarts; slots of two epochs have nothing to do with each other.
using Epoch = std::uint32_t;

/// Z makes key, X is the test basis (Rusca et al., APL 112, 171104 (2018)).
enum class Basis : std::uint8_t { z = 0, x = 1 };

/// What the transmitter put into one slot. `intensity` indexes the configured intensities, the brightest first. One byte,
/// of which four bits are used.
struct Symbol {
  std::uint8_t bit : 1 = 0;
  Basis basis : 1 = Basis::z;
  std::uint8_t intensity : 2 = 0;

  constexpr Symbol() = default;
  /// `level` is at most 3.
  constexpr Symbol(Basis in, std::uint8_t sent, std::uint8_t level)
      : bit{static_cast<std::uint8_t>(sent & 1U)}, basis{in}, intensity{static_cast<std::uint8_t>(level & 3U)} {}
};
static_assert(sizeof(Symbol) == 1);

/// The last slot there is: 29 years at 2.5 GHz. What it leaves of a word is the rest of a detection.
inline constexpr Slot slot_max = (Slot{1} << 61U) - 1;

/// A click. A double click is reported with a bit that the receiver's device chose at random, never dropped. One word:
/// there are hundreds of millions a second, and what is read, written and wiped of each is what sifting costs.
struct Detection {
  Slot slot : 61 = 0;
  Basis basis : 1 = Basis::z;
  std::uint8_t bit : 1 = 0;
  bool double_click : 1 = false;

  constexpr Detection() = default;
  /// `slot` is at most slot_max.
  constexpr Detection(Slot at, Basis in, std::uint8_t found, bool both)
      : slot{at & slot_max}, basis{in}, bit{static_cast<std::uint8_t>(found & 1U)}, double_click{both} {}
};
static_assert(sizeof(Detection) == sizeof(std::uint64_t));

/// A run of slots that the receiver has watched, `[first, first + slots)`, and the clicks in it by ascending slot.
/// Secret.
struct DetectionFrame {
  Epoch epoch = 0;
  Slot first = 0;
  std::uint64_t slots = 0;
  crypto::SecretVector<Detection> detections;
};

/// The transmitter's memory of what it sent; distillation looks symbols up by slot and says when it needs them no
/// longer. A look-up is a memory access: it does no I/O and does not block.
class SymbolSource {
 public:
  virtual ~SymbolSource() = default;
  /// Fills `out[i]` with the symbol of `slots[i]`; slots ascend. An error when the epoch is not the current one, a slot
  /// has not been sent yet, or has been released.
  [[nodiscard]] virtual Result<> symbols(Epoch epoch, std::span<const Slot> slots, std::span<Symbol> out) = 0;
  /// Everything before `before` may be forgotten.
  virtual void release(Epoch epoch, Slot before) = 0;
};

}  // namespace cloister::hal
