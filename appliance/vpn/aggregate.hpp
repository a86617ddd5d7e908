#pragma once
/// Whole IP packets, one behind another, in an ESP payload of any length (AGGFRAG_PAYLOAD of RFC 9347, section 6.1.1).
///
///   sub-type 0 (1) | reserved (1) | block offset 0 (2) | packet | packet | … | zeros
///
/// Of what the RFC allows, fragments are left out: the offset is always zero, as each payload begins with a packet or
/// with the zeros. So each stands for itself, whatever was lost before it, came late, or was sealed under another SA,
/// and a receiver keeps nothing. An IP packet says its own length; where the next one would begin, a byte whose upper
/// half is zero says that there is none (section 6.1.3.3).

#include <cstddef>
#include <optional>
#include <span>

namespace cloister::vpn {

inline constexpr std::size_t aggregate_header_bytes = 4;

/// Fills a payload of at least `aggregate_header_bytes`.
class AggregateWriter {
 public:
  explicit AggregateWriter(std::span<std::byte> payload);
  /// False where there is no room for it. A packet that contradicts its own length would hide those behind it, and must
  /// not come here.
  [[nodiscard]] bool add(std::span<const std::byte> packet);
  /// Zeros to the end: the last call.
  void finish();

 private:
  std::span<std::byte> rest_;
};

/// Reads one that was authentic, but may have been made by somebody who errs.
class AggregateReader {
 public:
  explicit AggregateReader(std::span<const std::byte> payload);
  /// The next packet; nothing at the end, or from the first mistake on.
  [[nodiscard]] std::optional<std::span<const std::byte>> next();
  [[nodiscard]] bool malformed() const { return malformed_; }

 private:
  std::span<const std::byte> rest_;
  bool malformed_ = false;
};

}  // namespace cloister::vpn
