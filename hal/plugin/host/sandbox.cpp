#include "hal/plugin/host/sandbox.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>

namespace cloister::hal::plugin {

namespace {

constexpr rlim_t memory_bytes = rlim_t{1} << 30;
constexpr rlim_t descriptors = 64;
constexpr rlim_t threads = 16;
// A directory that every root file system has; only this process sees what is mounted over it.
constexpr const char* new_root = "/tmp";

std::unexpected<std::string> cannot(const char* what) {
  return std::unexpected{std::format("cannot {}: {}", what, std::strerror(errno))};
}

std::expected<void, std::string> copy_library(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return cannot("read the library");
  const int copy = ::open("device.so", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (copy < 0) return cannot("copy the library into its own root directory");
  off_t from = 0;
  while (from < status.st_size)
    if (::sendfile(copy, descriptor, &from, static_cast<std::size_t>(status.st_size - from)) <= 0)
      return cannot("copy the library into its own root directory");
  ::close(copy);
  ::close(descriptor);
  return {};
}

bool write_once(const char* path, const std::string& text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) ::close(file);
  return written;
}

/// Namespaces of a user who has no right to make others: as itself, which files need an owner for.
std::expected<void, std::string> enter_own_user_namespace() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) return cannot("make its own user namespace");
  if (!write_once("/proc/self/setgroups", "deny") ||
      !write_once("/proc/self/uid_map", std::format("{} {} 1", user, user)) ||
      !write_once("/proc/self/gid_map", std::format("{} {} 1", group, group)))
    return cannot("map its user");
  return {};
}

std::expected<void, std::string> enter_empty_root(int library) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return cannot("detach its mounts");
  if (::mount("none", new_root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0 || ::chdir(new_root) != 0)
    return cannot("mount its own root directory");
  if (auto copied = copy_library(library); !copied) return copied;
  if (::mount(nullptr, ".", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0)
    return cannot("make its root directory read-only");
  // pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one, and goes.
  if (::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0)
    return cannot("enter its own root directory");
  return {};
}

/// Those over its own namespaces, which it had to make the walls.
bool drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

bool limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  const rlimit both{.rlim_cur = value, .rlim_max = value};
  return ::setrlimit(resource, &both) == 0;
}

}  // namespace

std::expected<void, std::string> close_in(int descriptor, std::size_t ring_bytes) {
  if (auto entered = enter_own_user_namespace(); !entered) return entered;
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
    return cannot("make its own namespaces");
  if (auto entered = enter_empty_root(descriptor); !entered) return entered;
  if (!limit(RLIMIT_AS, memory_bytes + ring_bytes) || !limit(RLIMIT_NOFILE, descriptors) || !limit(RLIMIT_CORE, 0) ||
      !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NPROC, threads) || !limit(RLIMIT_RTPRIO, 0) || !limit(RLIMIT_MEMLOCK, 0))
    return cannot("limit itself");
  if (!drop_capabilities() || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return cannot("give up privileges");
  return {};
}

}  // namespace cloister::hal::plugin
