#include "hal/plugin/host_process.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <format>
#include <utility>
#include <vector>

#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {

using simulator::FileDescriptor;
using simulator::system_message;

namespace {

// Above every number the child gives a meaning to, so that one does not overwrite another on its way there.
constexpr int out_of_the_way = 16;

/// What the hardware is reached by; empty when none is configured.
Result<FileDescriptor> open_node(const std::string& path) {
  if (path.empty()) return FileDescriptor{};
  auto node = simulator::open_node(path);
  if (!node) return fail("device node: " + node.error().message);
  return node;
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
  /// Gives an open file the number `as` in the child.
  [[nodiscard]] bool give(int descriptor, int as) {
    FileDescriptor moved{::fcntl(descriptor, F_DUPFD_CLOEXEC, out_of_the_way)};
    if (moved.get() < 0 || ::posix_spawn_file_actions_adddup2(&actions_, moved.get(), as) != 0) return false;
    given_.push_back(std::move(moved));
    return true;
  }
  [[nodiscard]] bool close_from(int descriptor) {
    return ::posix_spawn_file_actions_addclosefrom_np(&actions_, descriptor) == 0;
  }
  [[nodiscard]] Result<FileDescriptor> spawn(const std::string& program, std::vector<std::string> arguments) {
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    std::array<char*, 1> no_environment{};
    int process = -1;
    const int error =
        ::pidfd_spawn(&process, program.c_str(), &actions_, &attributes_, pointers.data(), no_environment.data());
    if (error != 0) return fail(std::format("cannot start '{}': {}", program, system_message(error)));
    return FileDescriptor{process};
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  std::vector<FileDescriptor> given_;
};

}  // namespace

Result<UserNumbers> user_numbers(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> text{};
  if (::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
    return fail(
        std::format("there is no user '{}' for the device's library: make one with 'useradd --system {}'", name, name));
  if (found->pw_uid == 0 || found->pw_uid == ::getuid())
    return fail(std::format("user '{}' is this service's own: the device's library must have another", name));
  return UserNumbers{.user = found->pw_uid, .group = found->pw_gid};
}

Result<HostProcess> HostProcess::start(const PluginConfig& config, int ring, int library) {
  auto node = open_node(config.node);
  if (!node) return std::unexpected{node.error()};
  std::vector<std::string> arguments{"cloister-hal-host", std::format("{}", ::getpid())};
  if (!config.user.empty()) {
    const auto numbers = user_numbers(config.user);
    if (!numbers) return std::unexpected{numbers.error()};
    arguments.push_back(std::format("{}", numbers->user));
    arguments.push_back(std::format("{}", numbers->group));
  }
  SpawnPlan plan;
  const bool has_node = node->get() >= 0;
  if (!plan.give(ring, ring_descriptor) || !plan.give(library, library_descriptor) ||
      (has_node && !plan.give(node->get(), node_descriptor)) ||
      !plan.close_from(has_node ? node_descriptor + 1 : node_descriptor))
    return fail(std::format("cannot prepare the start of '{}': {}", config.host_program, system_message(errno)));
  auto process = plan.spawn(config.host_program, std::move(arguments));
  if (!process) return std::unexpected{process.error()};
  return HostProcess{std::move(*process)};
}

HostProcess::HostProcess(HostProcess&& other) noexcept
    : process_{std::move(other.process_)}, end_{std::move(other.end_)} {}

HostProcess::~HostProcess() {
  if (process_.get() < 0 || end_) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

std::optional<std::string> HostProcess::end() {
  if (end_) return end_;
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) {
    end_ = std::format("ended with status {}", info.si_status);
  } else {
    const char* name = ::sigdescr_np(info.si_status);
    end_ = std::format("was ended by signal {} ({})", info.si_status, name != nullptr ? name : "unknown");
  }
  return end_;
}

}  // namespace cloister::hal::plugin
