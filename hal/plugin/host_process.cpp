#include "hal/plugin/host_process.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <format>
#include <utility>
#include <vector>

namespace cloister::hal::plugin {

using simulator::FileDescriptor;
using simulator::system_message;

namespace {

// A process that was killed is gone within milliseconds.
constexpr int end_within_ms = 2000;

/// What the hardware is reached by; empty when none is configured.
Result<FileDescriptor> open_node(const std::string& path) {
  if (path.empty()) return FileDescriptor{};
  auto node = simulator::open_node(path);
  if (!node) return fail("device node: " + node.error().message);
  return node;
}

struct Keeper {
  FileDescriptor connection;
  FileDescriptor process;  // empty where systemd has started it
};

Result<Keeper> reach_keeper(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(std::format("'{}' is too long for a socket", path));
  std::memcpy(address.sun_path, path.data(), path.size());
  FileDescriptor connection{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (connection.get() < 0 ||
      ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(std::format("the device's library cannot be started at '{}': {}: is cloister-hal.socket active", path,
                            system_message(errno)));
  return Keeper{std::move(connection), FileDescriptor{}};
}

Result<Keeper> start_keeper(const std::string& program) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(std::format("cannot make a connection for '{}': {}", program, system_message(errno)));
  FileDescriptor ours{ends[0]};
  const FileDescriptor theirs{ends[1]};
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  std::string name{"cloister-hal-host"};
  std::array<char*, 2> arguments{name.data(), nullptr};
  std::array<char*, 1> no_environment{};
  int process = -1;
  const int error =
      ::pidfd_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), no_environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(std::format("cannot start '{}': {}", program, system_message(error)));
  return Keeper{std::move(ours), FileDescriptor{process}};
}

bool send_descriptors(int connection, const std::vector<int>& descriptors) {
  std::byte word{};
  iovec part{&word, sizeof word};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(3 * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
  std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
  return ::sendmsg(connection, &message, MSG_NOSIGNAL) == sizeof word;
}

}  // namespace

Result<HostProcess> HostProcess::start(const PluginConfig& config, int ring, int library) {
  const auto node = open_node(config.node);
  if (!node) return std::unexpected{node.error()};
  auto keeper = config.host_socket.empty() ? start_keeper(config.host_program) : reach_keeper(config.host_socket);
  if (!keeper) return std::unexpected{keeper.error()};
  std::vector<int> descriptors{ring, library};
  if (node->get() >= 0) descriptors.push_back(node->get());
  HostProcess process{std::move(keeper->connection), std::move(keeper->process)};
  if (!send_descriptors(process.descriptor(), descriptors))
    return fail(std::format("cannot hand over the ring to the device's library: {}", system_message(errno)));
  return process;
}

HostProcess::HostProcess(HostProcess&& other) noexcept
    : connection_{std::move(other.connection_)}, keeper_{std::move(other.keeper_)}, end_{std::move(other.end_)} {}

HostProcess::~HostProcess() {
  if (connection_.get() < 0) return;
  ::shutdown(connection_.get(), SHUT_WR);
  pollfd ended{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  while (!end_ && ::poll(&ended, 1, end_within_ms) < 0 && errno == EINTR) {
  }
  if (keeper_.get() < 0) return;
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(keeper_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

std::optional<std::string> HostProcess::end() {
  if (end_) return end_;
  std::array<char, 256> text{};
  const auto bytes = ::recv(connection_.get(), text.data(), text.size(), MSG_DONTWAIT);
  if (bytes > 0) end_.emplace(text.data(), static_cast<std::size_t>(bytes));
  if (bytes == 0) end_.emplace("ended with its parent, cloister-hal-host: the journal may say why");
  return end_;
}

}  // namespace cloister::hal::plugin
