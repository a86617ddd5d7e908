#include "appliance/drivers/tun.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>

namespace cloister::drivers {
namespace {

std::string remedy(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
      return "the kernel has no TUN driver: load the module 'tun' and make /dev/net/tun";
    case EPERM:
    case EACCES:
      return "it is not there or another user's: cloister-netd makes it for the user who runs cloisterd (its option "
             "--user)";
    case EBUSY:
      return "another program uses it: is a second cloisterd running, or choose another 'interface'";
    default:
      return std::strerror(error);
  }
}

constexpr int no_carrier = 0x0040;  // IFF_NO_CARRIER of linux/if_tun.h, from 6.0 on; unknown to older kernels

/// struct virtio_net_hdr of linux/virtio_net.h, which is no valid C++; in the machine's byte order.
struct VnetHeader {
  std::uint8_t flags;
  std::uint8_t gso_type;
  std::uint16_t header_bytes;
  std::uint16_t segment_bytes;
  std::uint16_t checksum_start;
  std::uint16_t checksum_offset;
};
static_assert(sizeof(VnetHeader) == 10);
constexpr std::uint8_t flag_needs_checksum = 1;
constexpr std::uint8_t gso_none = 0;
constexpr std::uint8_t gso_tcp_v4 = 1;
constexpr std::uint8_t gso_tcp_v6 = 4;
constexpr std::uint8_t gso_udp = 5;
constexpr std::uint8_t gso_with_ecn = 0x80;

/// Kernels before 6.2 have no segmentation of UDP.
void ask_for_offloads(int queue, Tun& tun) {
  constexpr unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  tun.udp_segmentation = ::ioctl(queue, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
  tun.tcp_segmentation = tun.udp_segmentation || ::ioctl(queue, TUNSETOFFLOAD, tcp) == 0;
}

}  // namespace

Result<Tun> open_tun(const std::string& interface, std::size_t queues, bool carrier) {
  if (interface.empty() || interface.size() >= IFNAMSIZ)
    return fail(std::format("TUN interface '{}': a name has 1 to {} characters", interface, IFNAMSIZ - 1));
  Tun tun{.queues = {}, .interface = interface};
  while (tun.queues.size() < queues) {
    FileDescriptor queue{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    if (queue.get() < 0)
      return fail(std::format("TUN interface '{}': cannot open /dev/net/tun: {}", interface, remedy(errno)));
    ifreq request{};
    std::memcpy(request.ifr_name, interface.data(), interface.size());
    request.ifr_flags =
        static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE | (carrier ? 0 : no_carrier));
    if (::ioctl(queue.get(), TUNSETIFF, &request) < 0)
      return fail(std::format("TUN interface '{}' cannot be opened: {}", interface, remedy(errno)));
    ask_for_offloads(queue.get(), tun);
    tun.queues.push_back(std::move(queue));
  }
  return tun;
}

void set_carrier(const Tun& tun, bool carrier) {
  const int value = carrier ? 1 : 0;
  // Fails where the kernel does not know it, and where the interface is gone, which its readers find.
  static_cast<void>(::ioctl(tun.queues.front().get(), TUNSETCARRIER, &value));
}

std::expected<TunFrame, NoFrame> read_frame(int queue, std::span<std::byte> buffer) {
  const auto length = ::read(queue, buffer.data(), buffer.size());
  if (length < 0 && errno == EBADFD) return std::unexpected{NoFrame::interface_gone};
  if (length < static_cast<ssize_t>(sizeof(VnetHeader))) return std::unexpected{NoFrame::waiting};
  VnetHeader header{};
  std::memcpy(&header, buffer.data(), sizeof header);
  TunFrame frame{
      {.checksum_missing = (header.flags & flag_needs_checksum) != 0,
       .segment_bytes = header.segment_bytes,
       .checksum_start = header.checksum_start,
       .checksum_offset = header.checksum_offset},
      std::span<const std::byte>{buffer}.subspan(sizeof header, static_cast<std::size_t>(length) - sizeof header)};
  switch (header.gso_type & ~gso_with_ecn) {
    case gso_none:
      break;
    case gso_tcp_v4:
    case gso_tcp_v6:
      frame.offload.segmentation = vpn::Offload::Segmentation::tcp;
      break;
    case gso_udp:
      frame.offload.segmentation = vpn::Offload::Segmentation::udp;
      break;
    default:
      frame.packet = {};
  }
  return frame;
}

Written write_frame(int queue, const TunFrame& frame) {
  const auto& offload = frame.offload;
  VnetHeader header{};
  if (offload.checksum_missing) header.flags = flag_needs_checksum;
  header.segment_bytes = offload.segment_bytes;
  header.checksum_start = offload.checksum_start;
  header.checksum_offset = offload.checksum_offset;
  const bool v6 = (std::to_integer<unsigned>(frame.packet[0]) >> 4U) == 6;
  switch (offload.segmentation) {
    case vpn::Offload::Segmentation::none:
      break;
    case vpn::Offload::Segmentation::tcp:
      header.gso_type = v6 ? gso_tcp_v6 : gso_tcp_v4;
      header.header_bytes = static_cast<std::uint16_t>(
          offload.checksum_start + 4 * (std::to_integer<unsigned>(frame.packet[offload.checksum_start + 12U]) >> 4U));
      break;
    case vpn::Offload::Segmentation::udp:
      header.gso_type = gso_udp;
      header.header_bytes = static_cast<std::uint16_t>(offload.checksum_start + 8);
      break;
  }
  const std::array<iovec, 2> parts{iovec{&header, sizeof header},
                                   iovec{const_cast<std::byte*>(frame.packet.data()), frame.packet.size()}};
  const auto written = ::writev(queue, parts.data(), parts.size());
  return written < 0 && errno == EINVAL && header.gso_type != gso_none ? Written::refused : Written::done;
}

}  // namespace cloister::drivers
