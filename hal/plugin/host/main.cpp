/// cloister-hal-host: the process in which a vendor's library runs, and its parent. Started by systemd for cloisterd
/// (cloister-hal.socket), and by cloister-hal-check; of no use by hand.
///
///   cloister-hal-host            the parent: standard input is the connection (keeper.hpp)
///   cloister-hal-host PARENT     the library's process, with ring, library and node as open descriptors

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hal/plugin/host/keeper.hpp"
#include "hal/plugin/host/library_loop.hpp"
#include "hal/plugin/host/sandbox.hpp"
#include "hal/plugin/host/system_calls.hpp"

namespace {

using namespace cloister::hal::plugin;

Header* ring_header = nullptr;  // for the signal handler, which is given nothing else

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

int give_up(const std::string& reason) {
  if (ring_header != nullptr) say(*ring_header, reason.c_str());
  return 1;
}

void forbidden(int, siginfo_t* info, void*) {
  Text text{};
  std::snprintf(text.data(), text.size(), "made a forbidden system call: %s (%d)",
                name_of_system_call(info->si_syscall), info->si_syscall);
  ring_header->said[0] = '\0';
  say(*ring_header, text.data());
  ::_exit(1);
}

Header* map_ring(std::size_t& bytes) {
  struct stat status{};
  if (::fstat(ring_descriptor, &status) != 0) return nullptr;
  bytes = static_cast<std::size_t>(status.st_size);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring_descriptor, 0);
  ::close(ring_descriptor);
  return memory == MAP_FAILED ? nullptr : static_cast<Header*>(memory);
}

/// Nothing of the service's terminal or journal is left to a library.
bool silence() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  return null >= 0 && ::dup2(null, 0) == 0 && ::dup2(null, 1) == 1 && ::dup2(null, 2) == 2;
}

void watch_system_calls() {
  struct sigaction action{};
  action.sa_sigaction = forbidden;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int live(unsigned parent) {
  std::size_t ring_size = 0;
  ring_header = map_ring(ring_size);
  if (ring_header == nullptr || !silence()) return 1;
  const Ring ring{ring_header};
  ring.at(Step::closing_itself_in);
  if (ring.order().version != ring_version) return give_up("is of another release than the service: install both anew");
  if (auto closed = close_in(library_descriptor, ring_size); !closed) return give_up(closed.error());
  // The service may have gone before its death could be signalled.
  if (std::cmp_not_equal(::getppid(), parent)) return 1;
  watch_system_calls();
  if (auto filtered = allow_only(Allowed::loading); !filtered) return give_up(filtered.error());
  const auto driver = load(ring);
  if (!driver) return give_up(driver.error());
  if (auto filtered = allow_only(Allowed::driving); !filtered) return give_up(filtered.error());
  if (auto driven = drive(ring, **driver); !driven) return give_up(driven.error());
  ring.at(Step::done);
  return 0;
}

}  // namespace

int main(int count, char** values) {
  struct stat input{};
  if (count == 1 && ::fstat(STDIN_FILENO, &input) == 0 && S_ISSOCK(input.st_mode)) return keep_library(STDIN_FILENO);
  const auto parent = count == 2 ? number(values[1]) : std::nullopt;
  if (parent) return live(*parent);
  std::fputs("cloister-hal-host is started for cloisterd and cloister-hal-check, not by hand\n", stderr);
  return 2;
}
