#include "hal/simulator/local_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <system_error>

namespace cloister::hal::simulator {

namespace {

constexpr int backlog = 16;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty()) return fail("the path of a socket is empty");
  if (path.size() >= sizeof address.sun_path)
    return fail(std::format("socket path '{}' has {} bytes, at most {} are possible: choose a shorter one", path,
                            path.size(), sizeof address.sun_path - 1));
  if (path.contains('\0')) return fail("the path of a socket contains a zero byte");
  std::ranges::copy(path, std::begin(address.sun_path));
  return address;
}

Result<FileDescriptor> make_socket() {
  FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return fail(std::format("cannot make a socket: {}", system_message(errno)));
  return socket;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// 0 or errno.
int try_connect(const FileDescriptor& socket, const sockaddr_un& address) {
  return ::connect(socket.get(), generic(address), sizeof address) == 0 ? 0 : errno;
}

// Only a socket that nobody listens on any more may be removed, never another kind of file (which refuses connections
// as well).
Result<> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};  // nothing there; what else is wrong, `bind` will say
  if (!S_ISSOCK(status.st_mode)) return fail(std::format("'{}' is not a socket: choose another path", path));
  auto probe = make_socket();
  if (!probe) return std::unexpected{probe.error()};
  const auto error = try_connect(*probe, address);
  if (error == 0 || error == EAGAIN)
    return fail(
        std::format("socket '{}' is in use: another process listens on it, stop it or choose another path", path));
  if (error != ECONNREFUSED || ::unlink(path.c_str()) != 0)
    return fail(std::format("cannot use '{}' as a socket: {}", path, system_message(error)));
  return {};
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string system_message(int error) { return std::generic_category().message(error); }

Result<FileDescriptor> connect_local(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected{address.error()};
  auto socket = make_socket();
  if (!socket) return socket;
  if (const auto error = try_connect(*socket, *address); error != 0)
    return fail(std::format("cannot connect to '{}': {}", path, system_message(error)));
  return socket;
}

Result<FileDescriptor> open_node(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return fail(std::format("cannot connect to '{}': {}", path, system_message(errno)));
  if (S_ISSOCK(status.st_mode)) return connect_local(path);
  if (!S_ISCHR(status.st_mode)) return fail(std::format("'{}' is neither a character device nor a socket", path));
  FileDescriptor node{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (node.get() < 0) return fail(std::format("cannot open '{}': {}", path, system_message(errno)));
  return node;
}

bool is_character_device(const FileDescriptor& file) {
  struct stat status{};
  return ::fstat(file.get(), &status) == 0 && S_ISCHR(status.st_mode);
}

LocalListener::LocalListener(FileDescriptor socket, std::string path)
    : socket_{std::move(socket)}, path_{std::make_unique<const std::string>(std::move(path))} {}

LocalListener::~LocalListener() {
  if (path_) ::unlink(path_->c_str());
}

Result<LocalListener> LocalListener::open(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected{address.error()};
  if (auto free = remove_stale(path, *address); !free) return std::unexpected{free.error()};
  auto socket = make_socket();
  if (!socket) return std::unexpected{socket.error()};
  if (::bind(socket->get(), generic(*address), sizeof *address) != 0) {
    const int error = errno;
    return fail(std::format("cannot bind socket '{}': {}{}", path, system_message(error),
                            error == ENOENT ? ": make its directory, or choose another path" : ""));
  }
  LocalListener listener{std::move(*socket), path};  // from here on the path is ours to remove
  if (::listen(listener.descriptor(), backlog) != 0)
    return fail(std::format("cannot listen on '{}': {}", path, system_message(errno)));
  return listener;
}

FileDescriptor LocalListener::accept() const {
  return FileDescriptor{::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
}

}  // namespace cloister::hal::simulator
