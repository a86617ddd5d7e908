#pragma once
/// Key that is used once, bit for bit, as it came from the blocks: a run of units of 128 bits, named by their place in the
/// run, which only grows. Each unit is burnt when it is used, and no place is ever filled a second time but where what
/// lay there was cut off unused.
///
///   burnt ……… | begin   [there]  [burnt]  [there]   end | to come            a ring of fixed size in secret memory
///
/// Not for several threads at once: its owner has the lock.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/gf128.hpp"
#include "crypto/secret.hpp"

namespace cloister::vpn {

inline constexpr std::size_t pad_unit_bytes = 16;

class Pad {
 public:
  explicit Pad(std::size_t units_max);

  /// Whole units, behind the others; the oldest are burnt where there is no room for all.
  void add(std::span<const std::byte> bits);
  /// All before it are burnt, or were never there.
  [[nodiscard]] std::uint64_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// Whether these are all there, none burnt.
  [[nodiscard]] bool whole(std::uint64_t first, std::uint64_t units) const;

  // Of units that are there.
  /// Joins whole units to the text, bit by bit.
  void join(std::uint64_t first, std::span<std::byte> text) const;
  [[nodiscard]] crypto::TagPad tag_pad(std::uint64_t unit) const;
  [[nodiscard]] std::span<const std::byte> expose(std::uint64_t unit) const { return slot(unit); }
  void burn(std::uint64_t first, std::uint64_t units);

  void burn_before(std::uint64_t unit);
  /// What lies from there on is burnt, and its places are to be filled anew.
  void cut(std::uint64_t end);

 private:
  [[nodiscard]] std::span<std::byte> slot(std::uint64_t unit);
  [[nodiscard]] std::span<const std::byte> slot(std::uint64_t unit) const;

  std::size_t units_max_;
  crypto::SecretVector<std::byte> ring_;
  std::vector<bool> there_;  // by slot
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace cloister::vpn
