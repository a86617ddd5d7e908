#pragma once
/// A TUN interface: whole IP packets to and from the kernel, super-packets where it can (segmentation.hpp), by several
/// queues. The kernel keeps a flow on one queue.

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/vpn/segmentation.hpp"
#include "crypto/error.hpp"

namespace cloister::drivers {

struct Tun {
  std::vector<FileDescriptor> queues;  // non-blocking
  std::string interface;
  bool tcp_segmentation = false;  // what this kernel's driver takes and gives as super-packets
  bool udp_segmentation = false;
};

/// Opens the interface, which cloister-netd has made: without any right, as its owner. Without `carrier` it has none
/// until it is set.
[[nodiscard]] Result<Tun> open_tun(const std::string& interface, std::size_t queues, bool carrier);

/// Whether the kernel sees the interface connected: without, its routes are none, and routing daemons see it at once.
/// Kernels before 5.0 always do.
void set_carrier(const Tun& tun, bool carrier);

/// A packet and the work that its writer leaves to its reader.
struct TunFrame {
  vpn::Offload offload;
  std::span<const std::byte> packet;
};

/// What `read_frame` needs for the longest frame.
inline constexpr std::size_t tun_frame_bytes_max = 10 + 65'535;

enum class NoFrame {
  waiting,         // there is none now
  interface_gone,  // there will be none: the interface was deleted under us
};
/// The next frame of a queue, within `buffer`. A frame of a kind that was not asked for has an empty packet.
[[nodiscard]] std::expected<TunFrame, NoFrame> read_frame(int queue, std::span<std::byte> buffer);

enum class Written {
  done,     // or dropped by a full queue, as a network card would
  refused,  // the driver does not take this kind of super-packet
};
Written write_frame(int queue, const TunFrame& frame);

}  // namespace cloister::drivers
