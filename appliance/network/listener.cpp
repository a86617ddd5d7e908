#include "appliance/network/listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <format>

#include "appliance/handover/channel.hpp"

namespace cloister::network {

Result<drivers::FileDescriptor> listen_for(uid_t user, const std::string& path) {
  const int passed = ::sd_listen_fds(1);
  if (passed == 1 && ::sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, nullptr, 0) > 0)
    return drivers::FileDescriptor{SD_LISTEN_FDS_START};
  if (passed != 0) return fail("systemd has passed something else than one listening socket of sequential packets");

  if (handover::Channel::connect(path, std::chrono::seconds{1}))
    return fail(
        std::format("socket '{}': another cloister-netd answers there: stop it, or set 'box.network_socket' to "
                    "another path",
                    path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());  // its length is checked by the configuration
  // Left by one that was killed; what else may lie there is not ours to remove.
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode)) ::unlink(path.c_str());
  drivers::FileDescriptor socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  const mode_t before = ::umask(0177);
  const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  const bool own = user == ::geteuid();
  if (!bound || (!own && ::lchown(path.c_str(), user, static_cast<gid_t>(-1)) != 0) || ::listen(socket.get(), 4) != 0)
    return fail(
        std::format("socket '{}' cannot be made: {}: does its directory exist, or set 'box.network_socket' to "
                    "another path",
                    path, std::strerror(errno)));
  return socket;
}

}  // namespace cloister::network
