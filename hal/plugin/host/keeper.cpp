#include "hal/plugin/host/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <format>
#include <string>
#include <vector>

#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {

namespace {

constexpr std::size_t descriptors_max = 3;  // ring, library, node
constexpr std::size_t descriptors_min = 2;
constexpr timeval patience{.tv_sec = 10, .tv_usec = 0};
// Above every number the child gives a meaning to, so that one does not overwrite another on its way there.
constexpr int out_of_the_way = 16;

/// What comes with the first message; less than the least when none comes in time.
std::vector<int> take_descriptors(int connection) {
  std::byte word{};
  iovec part{&word, sizeof word};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(descriptors_max * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  std::vector<int> descriptors;
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != sizeof word) return descriptors;
  const cmsghdr* rights = CMSG_FIRSTHDR(&message);
  if (rights == nullptr || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) return descriptors;
  descriptors.resize((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  std::memcpy(descriptors.data(), CMSG_DATA(rights), descriptors.size() * sizeof(int));
  for (int& descriptor : descriptors) descriptor = ::fcntl(descriptor, F_DUPFD_CLOEXEC, out_of_the_way);
  return descriptors;
}

/// posix_spawn's two objects, freed on every way out.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  /// This program again, with its parent's number as its only argument, the descriptors and nothing else; 0 or an errno.
  [[nodiscard]] int start(const std::vector<int>& descriptors, int& process) {
    int as = ring_descriptor;
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    for (const int descriptor : descriptors) ::posix_spawn_file_actions_adddup2(&actions_, descriptor, as++);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, as);
    std::string name{"cloister-hal-host"};
    std::string parent = std::format("{}", ::getpid());
    std::array<char*, 3> arguments{name.data(), parent.data(), nullptr};
    std::array<char*, 1> no_environment{};
    return ::pidfd_spawn(&process, "/proc/self/exe", &actions_, &attributes_, arguments.data(), no_environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

void say_end(int connection, const siginfo_t& info) {
  const char* name = ::sigdescr_np(info.si_status);
  const auto text = info.si_code == CLD_EXITED ? std::format("ended with status {}", info.si_status)
                                               : std::format("was ended by signal {} ({})", info.si_status,
                                                             name != nullptr ? name : "unknown");
  ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace

int keep_library(int connection) {
  const auto descriptors = take_descriptors(connection);
  if (descriptors.size() < descriptors_min || descriptors.size() > descriptors_max) return 1;
  int process = -1;
  if (const int error = SpawnPlan{}.start(descriptors, process); error != 0) {
    const auto text = std::format("cannot be started: {}", std::strerror(error));
    ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    return 1;
  }
  for (const int descriptor : descriptors) ::close(descriptor);
  std::array<pollfd, 2> events{pollfd{.fd = process, .events = POLLIN, .revents = 0},
                               pollfd{.fd = connection, .events = POLLIN, .revents = 0}};
  while (::poll(events.data(), events.size(), -1) < 0 && errno == EINTR) {
  }
  // Nobody says anything more, so what is heard is the end.
  if (events[1].revents != 0) ::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process), &info, WEXITED) != 0 && errno == EINTR) {
  }
  say_end(connection, info);
  return 0;
}

}  // namespace cloister::hal::plugin
