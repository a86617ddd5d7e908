#pragma once
/// The simulated source's memory: not a table of 1e9 symbols a second, but a generator that can be asked for any slot.
///
///   AES-256_seed(slot ‖ epoch ‖ 0) ──▶ low 64 bits: intensity (32) │ basis (31) │ bit (1)      NIST SP 800-38A, 6.5,
///   at any counter
///
/// The epoch is part of the counter: no two epochs of one seed share a symbol. AES instructions take about 3 ns a slot
/// and the key schedule stays in the arena.

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"
#include "hal/frame.hpp"
#include "hal/simulator/source_settings.hpp"

namespace cloister::hal::simulator {

using SourceSeed = crypto::Secret<struct SourceSeedRole, 32>;

class SymbolGenerator {
 public:
  /// An error when the processor has no AES instructions. `settings` have passed `check`.
  [[nodiscard]] static Result<SymbolGenerator> create(const SourceSeed& seed, const SourceSettings& settings);

  /// out[i] = the symbol of slots[i] in `epoch`; any slots in any order, the same answer every time.
  void symbols(Epoch epoch, std::span<const Slot> slots, std::span<Symbol> out) const;
  /// From slot `from` on, this part of the bits is 0 whatever was drawn: a generator that has failed, or that somebody has made. Before it
  /// counts what was said last.
  void weaken(Slot from, double part);
  /// The low halves of the cipher blocks, from which the symbols are cut; secret.
  void values(Epoch epoch, std::span<const Slot> slots, std::span<std::uint64_t> out) const;

 private:
  SymbolGenerator(const SourceSeed& seed, const SourceSettings& settings);

  crypto::SecretVector<std::byte> round_keys_;  // 15 keys of 16 bytes
  std::uint64_t signal_below_;                  // thresholds on 32 bits, 2^32 for never
  std::uint64_t decoys_below_;
  std::uint32_t z_below_;  // on 31 bits
  struct Weakness {
    Slot from = 0;
    std::uint32_t stuck_below = 0;  // on 16 bits, those that decide of the intensity least
  };
  Weakness earlier_;
  Weakness weakness_;
};

}  // namespace cloister::hal::simulator
