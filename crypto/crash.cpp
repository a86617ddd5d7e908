#include "crypto/crash.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>

#include "crypto/error.hpp"
#include "crypto/key_log.hpp"
#include "crypto/registers.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {
namespace {

/// Those whose default is to end with a core (signal(7)).
constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGQUIT, SIGXCPU, SIGXFSZ};
constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
/// How long a crash waits for the other threads: one that the kernel holds fast does not keep the process from its end.
constexpr int patience_milliseconds = 200;

/// Sanitizers report a fault by handlers of their own, which these would replace.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::atomic_flag dying;
std::atomic<int> parked = 0;

/// No other part of these programs uses it.
int park_signal() { return SIGRTMAX; }

/// Where every thread but the first ends that crashes: without secrets, until the process is gone.
[[noreturn]] void park() {
  ++parked;
  for (;;) ::pause();
}

/// Tells each other thread to park; returns how many there are. opendir(3) would ask the heap for memory.
int park_others() {
  const int tasks = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tasks < 0) return 0;
  const long process = ::getpid();
  const long self = ::syscall(SYS_gettid);
  int others = 0;
  alignas(dirent64) std::array<char, 4096> entries{};
  for (;;) {
    const long bytes = ::syscall(SYS_getdents64, tasks, entries.data(), entries.size());
    if (bytes <= 0) break;
    for (long at = 0; at < bytes;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      at += entry->d_reclen;
      long thread = 0;
      const char* const end = entry->d_name + std::strlen(entry->d_name);
      if (std::from_chars(entry->d_name, end, thread).ptr != end || thread == self) continue;
      if (::syscall(SYS_tgkill, process, thread, park_signal()) == 0) ++others;
    }
  }
  ::close(tasks);
  return others;
}

void wait_for_parked(int others) {
  constexpr timespec millisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
  for (int waited = 0; parked < others && waited < patience_milliseconds; ++waited) ::nanosleep(&millisecond, nullptr);
}

}  // namespace

/// Only what signal-safety(7) names, and system calls. By its C name for enter(), which has emptied the general registers:
/// what this function and those that it calls save of them on the stack is zero.
extern "C" [[gnu::used, gnu::visibility("hidden")]] void cloister_on_signal(int signal, siginfo_t* /*why*/,
                                                                            void* interrupted) {
  clear_vector_registers();
  wipe_interrupted_registers(*static_cast<ucontext_t*>(interrupted));
  if (signal == park_signal() || dying.test_and_set()) park();
  arena_destroy();
  wait_for_parked(park_others());
  ::signal(signal, SIG_DFL);
  sigset_t only{};
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::raise(signal);  // blocked until the next line: it then ends the process, and the core has this stack
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

namespace {

/// The kernel clears no register for a handler but those of its arguments: the interrupted code's others would be in the
/// core for as long as the thread waits, and compiled code would first put them on the stack.
[[gnu::naked]] void enter(int /*signal*/, siginfo_t* /*why*/, void* /*interrupted*/) {
  asm("xorl %eax, %eax\n\t"
      "xorl %ebx, %ebx\n\t"
      "xorl %ecx, %ecx\n\t"
      "xorl %ebp, %ebp\n\t"
      "xorl %r8d, %r8d\n\t"
      "xorl %r9d, %r9d\n\t"
      "xorl %r10d, %r10d\n\t"
      "xorl %r11d, %r11d\n\t"
      "xorl %r12d, %r12d\n\t"
      "xorl %r13d, %r13d\n\t"
      "xorl %r14d, %r14d\n\t"
      "xorl %r15d, %r15d\n\t"
      "jmp cloister_on_signal");
}

void handle(int signal) {
  struct sigaction action{};
  action.sa_sigaction = enter;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  ::sigfillset(&action.sa_mask);
  require(::sigaction(signal, &action, nullptr) == 0, "a signal takes no handler");
}

/// A stack for the handlers of this thread's signals, for it may have overflowed the one that it has.
class SignalStack {
 public:
  SignalStack() : memory_{::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
    require(memory_ != MAP_FAILED, "no memory for a stack for signals");
    stack_t stack{};
    stack.ss_sp = memory_;
    stack.ss_size = stack_bytes;
    require(::sigaltstack(&stack, nullptr) == 0, "no stack for signals");
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;
  ~SignalStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
    ::munmap(memory_, stack_bytes);
  }

 private:
  void* memory_;
};

}  // namespace

void forbid_cores() {
  if (cores_wanted()) return;
  require(::prctl(PR_SET_DUMPABLE, 0) == 0, "the kernel does not forbid cores");
  const rlimit none{0, 0};
  require(::setrlimit(RLIMIT_CORE, &none) == 0, "the limit of cores is not taken");
}

void wipe_on_crash() {
  if (sanitized) return;
  wipe_on_overflow();
  handle(park_signal());
  for (const int signal : crashes) handle(signal);
}

void wipe_on_overflow() {
  if (sanitized) return;
  static thread_local const SignalStack stack;
}

}  // namespace cloister::crypto
