#include "hal/plugin/host/system_calls.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <format>
#include <utility>
#include <vector>

#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {

namespace {

// Computing, memory, threads, time, waiting, and what can be done with descriptors that are open already.
constexpr auto always = std::to_array<std::uint32_t>({
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_write,
    SYS_writev,
    SYS_pwrite64,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_poll,
    SYS_ppoll,
    SYS_select,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_wait,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_eventfd2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_time,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_getpid,
    SYS_gettid,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_exit,
    SYS_exit_group,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_membarrier,
    SYS_restart_syscall,
    SYS_sysinfo,
});
// The dynamic loader, in a root directory that holds one file.
constexpr auto to_load = std::to_array<std::uint32_t>({SYS_openat, SYS_newfstatat, SYS_readlink, SYS_access});

class Program {
 public:
  void add(std::uint16_t code, std::uint32_t k, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
    code_.push_back({.code = code, .jt = if_true, .jf = if_false, .k = k});
  }
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
  void give(std::uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }
  void allow(std::uint32_t call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    give(SECCOMP_RET_ALLOW);
  }
  void answer(std::uint32_t call, std::uint32_t error) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    give(SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA));
  }
  /// Only when (the low half of argument `index`) & `mask` is `value`; for flags and descriptors, which have no high
  /// half. The call's number is loaded before and, where it is another call, after.
  void allow_if(std::uint32_t call, std::size_t index, std::uint32_t mask, std::uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 5);
    load(offsetof(seccomp_data, args) + 8 * index);
    add(BPF_ALU | BPF_AND | BPF_K, mask);
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(SECCOMP_RET_ALLOW);
    give(SECCOMP_RET_TRAP);
  }
  [[nodiscard]] bool install() {
    sock_fprog program{.len = static_cast<unsigned short>(code_.size()), .filter = code_.data()};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  }

 private:
  std::vector<sock_filter> code_;
};

}  // namespace

std::expected<void, std::string> allow_only(Allowed allowed) {
  constexpr std::uint32_t whole = UINT32_MAX;
  Program program;
  program.load(offsetof(seccomp_data, arch));
  program.add(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
  program.give(SECCOMP_RET_KILL_PROCESS);
  program.load(offsetof(seccomp_data, nr));
  program.add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000U, 0, 1);  // the x32 calls: another numbering of the same
  program.give(SECCOMP_RET_KILL_PROCESS);
  for (const auto call : always) program.allow(call);
  // glibc falls back to clone, whose flags a filter can read: threads, no processes.
  program.answer(SYS_clone3, ENOSYS);
  // glibc tells threads' names and asks limits; neither matters.
  program.answer(SYS_prctl, EPERM);
  program.answer(SYS_prlimit64, EPERM);
  if (allowed == Allowed::loading) {
    for (const auto call : to_load) program.allow(call);
    program.allow(SYS_mmap);
    program.allow(SYS_mprotect);
    program.allow(SYS_seccomp);  // for the second filter, which can only forbid more
  }
  program.allow_if(SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
  program.allow_if(SYS_ioctl, 0, whole, node_descriptor);
  program.allow_if(SYS_tgkill, 0, whole, static_cast<std::uint32_t>(::getpid()));  // abort()
  program.allow_if(SYS_mmap, 2, PROT_EXEC, 0);
  program.allow_if(SYS_mprotect, 2, PROT_EXEC, 0);
  program.give(SECCOMP_RET_TRAP);
  if (!program.install())
    return std::unexpected{std::format("cannot install the system call filter: {}", std::strerror(errno))};
  return {};
}

const char* name_of_system_call(int number) {
  constexpr auto names = std::to_array<std::pair<int, const char*>>({
      {SYS_open, "open"},
      {SYS_openat, "openat"},
      {SYS_newfstatat, "fstatat"},
      {SYS_socket, "socket"},
      {SYS_connect, "connect"},
      {SYS_sendto, "sendto"},
      {SYS_sendmsg, "sendmsg"},
      {SYS_recvfrom, "recvfrom"},
      {SYS_recvmsg, "recvmsg"},
      {SYS_fork, "fork"},
      {SYS_vfork, "vfork"},
      {SYS_clone, "clone of a process"},
      {SYS_execve, "execve"},
      {SYS_kill, "kill"},
      {SYS_ptrace, "ptrace"},
      {SYS_ioctl, "ioctl on what is not its device"},
      {SYS_mmap, "mmap of executable memory"},
      {SYS_mprotect, "mprotect to executable"},
      {SYS_fcntl, "fcntl"},
      {SYS_memfd_create, "memfd_create"},
      {SYS_process_vm_readv, "process_vm_readv"},
      {SYS_mount, "mount"},
      {SYS_setuid, "setuid"},
  });
  for (const auto& [known, name] : names)
    if (known == number) return name;
  return "number";
}

}  // namespace cloister::hal::plugin
