#include "appliance/drivers/tun.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

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
      return "run as root or with CAP_NET_ADMIN";
    case EBUSY:
      return "another program uses it: is a second cloisterd running, or choose another 'interface'";
    default:
      return std::strerror(error);
  }
}

}  // namespace

Result<Tun> open_tun(const std::string& interface) {
  FileDescriptor descriptor{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (descriptor.get() < 0)
    return fail(std::format("TUN interface '{}': cannot open /dev/net/tun: {}", interface, remedy(errno)));

  ifreq request{};
  if (interface.empty() || interface.size() >= IFNAMSIZ) {
    return fail(std::format("TUN interface '{}': a name has 1 to {} characters", interface, IFNAMSIZ - 1));
  }
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(descriptor.get(), TUNSETIFF, &request) < 0) {
    return fail(std::format("TUN interface '{}' cannot be made: {}", interface, remedy(errno)));
  }
  return Tun{std::move(descriptor), interface, ::if_nametoindex(interface.c_str())};
}

}  // namespace cloister::drivers
