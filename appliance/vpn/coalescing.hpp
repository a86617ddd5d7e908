#pragma once
/// Consecutive packets of one flow, joined into one super-packet that the kernel takes as a whole: what segmentation.hpp
/// does, undone. One open frame at a time, so order is kept; packets of another flow, or that cannot be joined, end it.
///
///   open frame | headers | payload | payload |           room for the next: its payload falls where it belongs,
///                                ▲ room() ─ headers      its headers on the last bytes, which are kept aside meanwhile
///
/// TCP: same addresses, ports, acknowledgement, window and options; the next sequence number; no flag but ACK, and PSH,
/// which ends the frame. UDP: same addresses and ports, same length. Both: same IP header but lengths, identification
/// and checksum; no IP options, fragments or extension headers; payloads equally long, but the last may be shorter; and
/// each packet's own checksum right, as the kernel checks none within a super-packet. A packet that fails this is
/// passed on as it came.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "appliance/vpn/segmentation.hpp"

namespace cloister::vpn {

class Coalescer {
 public:
  struct Frame {
    Offload offload;
    std::span<const std::byte> packet;
  };
  /// What the device takes joined.
  struct Device {
    bool tcp = true;
    bool udp = true;
  };

  explicit Coalescer(Device device);

  /// Room of `bytes` (at most 64 KiB) in which the next packet is to be laid, from the first byte on. What lies there
  /// afterwards is either added or abandoned.
  [[nodiscard]] std::span<std::byte> room(std::size_t bytes);
  /// `packet`, a whole IP packet, begins where the room does. Returns the frame that it ended, if any: valid until the
  /// next call.
  [[nodiscard]] std::optional<Frame> add(std::span<const std::byte> packet);
  void abandon();
  /// Ends the open frame.
  [[nodiscard]] std::optional<Frame> flush();

 private:
  static constexpr std::size_t headers_bytes_max = 120;

  /// How a packet may be joined with others.
  struct Shape {
    Offload::Segmentation kind = Offload::Segmentation::none;
    bool v6 = false;
    bool last = false;  // nothing may follow: PSH
    std::size_t ip_bytes = 0;
    std::size_t header_bytes = 0;
  };
  struct Open {
    Shape shape;
    std::size_t bytes = 0;
    std::size_t segments = 1;
    std::size_t segment_bytes = 0;  // payload of the first
    bool ended = false;             // a shorter one, or PSH, came last
  };

  [[nodiscard]] Shape shape_of(std::span<const std::byte> packet) const;
  [[nodiscard]] bool joins(const Shape& shape, std::span<const std::byte> packet) const;
  void open(const Shape& shape, std::size_t bytes);
  void restore();
  [[nodiscard]] std::optional<Frame> finish();
  [[nodiscard]] std::span<std::byte> current() { return buffers_[current_]; }
  [[nodiscard]] std::span<const std::byte> current() const { return buffers_[current_]; }

  Device device_;
  std::array<std::vector<std::byte>, 2> buffers_;
  std::size_t current_ = 0;  // the buffer of the open frame
  std::optional<Open> open_;
  bool joining_ = false;                              // the room lies at the open frame's end
  std::array<std::byte, headers_bytes_max> first_{};  // the headers of the open frame's first packet
  std::array<std::byte, headers_bytes_max> kept_{};   // the open frame's last bytes, under the room's headers
};

}  // namespace cloister::vpn
