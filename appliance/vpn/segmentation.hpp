#pragma once
/// A super-packet of the kernel's segmentation offload (up to 64 KiB of one flow), cut into the packets it stands for.
///
///   headers | payload …………………………… ──▶ headers' | payload    headers' | payload    headers' | rest
///
/// Each packet gets lengths, IPv4 identification, TCP sequence number and flags, and checksums of its own, as a network
/// card would give them (TCP: RFC 9293; what changes from segment to segment is the same list as in coalescing.hpp).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace cloister::vpn {

/// What travels beside a packet between the kernel and us: the work that either leaves to the other.
struct Offload {
  enum class Segmentation : std::uint8_t { none, tcp, udp };
  Segmentation segmentation = Segmentation::none;
  bool checksum_missing = false;      // the field holds the pseudo-header's sum only
  std::uint16_t segment_bytes = 0;    // payload of each packet but the last
  std::uint16_t checksum_start = 0;   // where TCP or UDP begins
  std::uint16_t checksum_offset = 0;  // of the field, from there
};

class Segments {
 public:
  /// Nothing for a packet that contradicts its offload. The packet must stay while the segments are written.
  [[nodiscard]] static std::optional<Segments> of(const Offload& offload, std::span<const std::byte> packet);

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t bytes(std::size_t index) const;
  /// Writes a whole IP packet to the beginning of `out`, which has bytes(index) bytes at least.
  void write(std::size_t index, std::span<std::byte> out) const;

 private:
  Segments(const Offload& offload, std::span<const std::byte> packet) : offload_{offload}, packet_{packet} {}
  [[nodiscard]] std::size_t payload_bytes(std::size_t index) const;

  Offload offload_;
  std::span<const std::byte> packet_;
  bool v6_ = false;
  std::size_t header_bytes_ = 0;  // all of a packet that is not cut
  std::size_t count_ = 1;
};

}  // namespace cloister::vpn
