#include "appliance/network/tun_device.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <format>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/network/netlink.hpp"

namespace cloister::network {
namespace {

std::string remedy(int error) {
  const bool no_driver = error == ENOENT || error == ENODEV;
  return no_driver ? "the kernel has no TUN driver: load the module 'tun' and make /dev/net/tun" : because(error);
}

}  // namespace

Result<unsigned> make_tun_device(const std::string& interface, uid_t owner) {
  if (interface.empty() || interface.size() >= IFNAMSIZ)
    return fail(std::format("TUN interface '{}': a name has 1 to {} characters", interface, IFNAMSIZ - 1));
  const drivers::FileDescriptor device{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
  if (device.get() < 0)
    return fail(std::format("TUN interface '{}': cannot open /dev/net/tun: {}", interface, remedy(errno)));
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
  if (::ioctl(device.get(), TUNSETIFF, &request) < 0 || ::ioctl(device.get(), TUNSETOWNER, owner) < 0 ||
      ::ioctl(device.get(), TUNSETPERSIST, 1) < 0)
    return fail(std::format("TUN interface '{}' cannot be made: {}", interface, remedy(errno)));
  return ::if_nametoindex(interface.c_str());
}

}  // namespace cloister::network
