#pragma once
/// A tunnel of constant rate: datagrams of one length at fixed times, whether there is traffic or not, so that who looks
/// on sees neither lengths nor times nor rates of what is inside (RFC 9347, the case without congestion control).
///
///   packets ─▶ WaitingPackets ──as many as fit──▶ payload of each slot ─▶ seal, send       SendSlots says when
///
/// Slots are counted from a beginning, so lateness does not add up: what is late is sent at once. Only where it is later
/// than `late_max` are slots left out, and counted: then who looks on has seen that this box had no time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cloister::vpn {

/// Datagrams leave at whole multiples of it, all that are due together: what is faster comes in groups.
inline constexpr std::chrono::milliseconds send_tick{1};

class SendSlots {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds late_max{100};

  struct Due {
    std::uint64_t now = 0;     // slots to be used
    std::uint64_t missed = 0;  // and those that it is too late for
  };

  explicit SendSlots(std::uint32_t per_second);
  /// The first call begins. Time does not go back.
  [[nodiscard]] Due take(Instant now);
  /// The tick at which the next slot is due, once it has begun.
  [[nodiscard]] Instant next() const;

 private:
  [[nodiscard]] std::uint64_t slots_until(Instant now) const;

  std::uint32_t per_second_;
  std::optional<Instant> began_;
  std::uint64_t taken_ = 0;
};

/// Packets that wait for a slot, in their order; as many as in `late_max` of a constant rate, and at least what one
/// super-packet of the kernel may be cut into.
class WaitingPackets {
 public:
  struct Filled {
    std::size_t packets = 0;  // none: it is a dummy
    std::size_t bytes = 0;
    std::size_t too_long = 0;  // packets that no payload of that length takes: they are given up
  };

  WaitingPackets(std::uint32_t per_second, std::size_t packet_bytes_max);
  /// Room for a packet of so many bytes; empty where too many wait. `packet_bytes_max` bytes at most.
  [[nodiscard]] std::span<std::byte> room(std::size_t bytes);
  /// The packet that was laid in the room. False, and it is not taken, where it contradicts its own length.
  [[nodiscard]] bool commit(std::size_t bytes);
  /// Writes an aggregate of whole packets into `payload`, all of it.
  Filled fill(std::span<std::byte> payload);
  /// Gives all up; how many there were.
  std::size_t clear();

 private:
  [[nodiscard]] std::span<std::byte> place(std::size_t index);
  [[nodiscard]] std::span<const std::byte> front();
  void pop();

  std::size_t packet_bytes_max_;
  std::vector<std::byte> memory_;
  std::vector<std::size_t> bytes_;  // of each place
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace cloister::vpn
