#include "crypto/crash.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {
namespace {

/// Those whose default is to end with a core (signal(7)).
constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGQUIT, SIGXCPU, SIGXFSZ};
constexpr std::size_t stack_bytes = std::size_t{64} * 1024;

/// Sanitizers report a fault by handlers of their own, which these would replace.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::atomic_flag dying;

/// Only what signal-safety(7) names. Threads that come after the first wait here: they have lost their secrets.
void on_crash(int signal) {
  while (dying.test_and_set()) ::pause();
  arena_destroy();
  ::signal(signal, SIG_DFL);
  sigset_t only{};
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::raise(signal);  // blocked until the next line: it then ends the process, and the core has this stack
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace

void wipe_on_crash() {
  if (sanitized) return;
  // A stack of its own: the main thread may have overflowed the one that it has.
  void* const memory = ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "no memory for a stack for signals");
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = stack_bytes;
  require(::sigaltstack(&stack, nullptr) == 0, "no stack for signals");
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  ::sigfillset(&action.sa_mask);
  for (const int signal : crashes) require(::sigaction(signal, &action, nullptr) == 0, "a signal takes no handler");
}

}  // namespace cloister::crypto
