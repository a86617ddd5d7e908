#pragma once
/// What a simulated device and the fibre process say to each other on a local stream socket, or on a character device behind which there is one
/// (a virtual machine's serial port).
///
///   end                                   fibre
///    ── resume: nonce ──────────────────▶           on a device only: it stays open when the end starts anew
///   ◀── resumed: nonce ─────────────────            what comes before it was for an earlier user of the device
///    ── hello: role, settings ──────────▶           both ends, once, first
///    ── light: seed ────────────────────▶           transmitter only, once, second
///   ◀── start: epoch ───────────────────            both ends are there and agree
///   ◀── progress: epoch, slots sent ────            transmitter only
///   ◀── detections: epoch, slots, clicks            receiver only
///   ◀── readings: what the meters show            before each progress or detections; none while they are silent
///   ◀── weakened: slot, part                       transmitter only: its randomness fails from there on
///   ◀── stopped: reason ────────────────            the other end has left; a new start may follow
///   ◀── refused: reason ────────────────            and the fibre hangs up
///
/// A message is: body length (u32), type (u32), body. All numbers are little endian, doubles as IEEE 754 binary64. A
/// detection is one u32: offset from the frame's first slot (29 bits), basis, bit, double click. Every length, number
/// and order is checked: anything unexpected is an error, after which the connection is to be closed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"
#include "hal/frame.hpp"
#include "hal/readings.hpp"
#include "hal/simulator/source_settings.hpp"
#include "hal/simulator/symbols.hpp"

namespace cloister::hal::simulator {

inline constexpr std::uint32_t protocol_version = 3;
inline constexpr std::size_t header_bytes = 8;
inline constexpr std::size_t detections_head_bytes = 36;
inline constexpr std::size_t reason_bytes_max = 512;
/// More clicks than this in one frame (10 ms) are lost: 1e8 per second is past any detector.
inline constexpr std::size_t frame_detections_max = std::size_t{1} << 20;
inline constexpr std::uint64_t frame_slots_max = std::uint64_t{1} << 29;
inline constexpr std::size_t body_bytes_max = detections_head_bytes + 4 * frame_detections_max;

enum class Role : std::uint8_t { transmitter = 0, receiver = 1 };

using Nonce = std::array<std::byte, 16>;

/// Forgets what this end has said on the connection so far.
struct Resume {
  Nonce nonce{};
};
struct Resumed {
  Nonce nonce{};
};
struct Hello {
  Role role = Role::transmitter;
  SourceSettings settings;
};
/// The light itself: what the transmitter put into all slots, as the key of its generator.
struct Light {
  SourceSeed seed;
};
struct Start {
  Epoch epoch = 0;
};
struct Progress {
  Epoch epoch = 0;
  std::uint64_t slots = 0;  ///< Slots [0, slots) have been sent.
};
struct Detections {
  Epoch epoch = 0;
  Slot first = 0;
  std::uint64_t slots = 0;
  std::uint64_t lost = 0;             ///< Detections dropped since the epoch began because this end read too slowly.
  std::span<const std::byte> packed;  ///< Views the parsed buffer; see `unpack`.
};
/// From slot `from` on, so much of the transmitter's bits is 0 whatever was drawn; what nature does to a real one, the fibre tells this one.
struct Weakened {
  Slot from = 0;
  double part = 0;
};
struct Stopped {
  std::string reason;
};
struct Refused {
  std::string reason;
};
using Message = std::variant<Hello, Light, Start, Progress, Detections, Stopped, Refused, Resume, Resumed,
                             ReceiverReadings, TransmitterReadings, Weakened>;

struct ParsedMessage {
  Message message;
  std::size_t bytes = 0;  ///< What it took from the buffer.
};

/// The first message in `buffer`; nothing when it is not whole yet. An error at the first impossible byte.
[[nodiscard]] Result<std::optional<ParsedMessage>> parse_message(std::span<const std::byte> buffer);
/// How long the first message is as its header says; nothing before the header is whole or when it is not a possible
/// length.
[[nodiscard]] std::optional<std::size_t> message_bytes(std::span<const std::byte> buffer);

/// The clicks of a message; an error when they do not ascend strictly or lie outside the frame.
[[nodiscard]] Result<DetectionFrame> unpack(const Detections& detections);
/// `offset` is less than frame_slots_max.
[[nodiscard]] constexpr std::uint32_t pack(std::uint64_t offset, Basis basis, std::uint8_t bit, bool double_click) {
  return static_cast<std::uint32_t>(offset << 3) | static_cast<std::uint32_t>(basis) << 2 |
         static_cast<std::uint32_t>(bit & 1U) << 1 | static_cast<std::uint32_t>(double_click);
}

[[nodiscard]] std::vector<std::byte> encode(const Resume& resume);
[[nodiscard]] std::vector<std::byte> encode(const Resumed& resumed);
[[nodiscard]] std::vector<std::byte> encode(const Hello& hello);
/// In the arena, as the seed is all the light.
[[nodiscard]] crypto::SecretVector<std::byte> encode(const Light& light);
[[nodiscard]] std::vector<std::byte> encode(const Start& start);
[[nodiscard]] std::vector<std::byte> encode(const Progress& progress);
/// Ignores `packed`: the clicks are `clicks`, at most frame_detections_max, each made by `pack`.
[[nodiscard]] std::vector<std::byte> encode(const Detections& head, std::span<const std::uint32_t> clicks);
/// Of readings with every meter.
[[nodiscard]] std::vector<std::byte> encode(const ReceiverReadings& readings);
[[nodiscard]] std::vector<std::byte> encode(const TransmitterReadings& readings);
[[nodiscard]] std::vector<std::byte> encode(const Weakened& weakened);
/// A reason is cut to reason_bytes_max; what is not printable ASCII becomes '?'.
[[nodiscard]] std::vector<std::byte> encode(const Stopped& stopped);
[[nodiscard]] std::vector<std::byte> encode(const Refused& refused);

}  // namespace cloister::hal::simulator
