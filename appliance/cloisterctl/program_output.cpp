#include "appliance/cloisterctl/program_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <utility>

namespace cloister::cloisterctl {
namespace {

using Clock = std::chrono::steady_clock;

/// The reading end of a running program's output; ends the program where it still runs.
class Running {
 public:
  static Result<Running> start(const std::vector<std::string>& words) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail(std::format("no pipe: {}", std::strerror(errno)));
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    std::vector<std::string> owned = words;
    std::vector<char*> arguments;
    for (auto& word : owned) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, arguments.front(), &actions, nullptr, arguments.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    if (error == 0) return Running{child, pipe[0]};
    ::close(pipe[0]);
    if (error == ENOENT) return fail(std::format("this system has no program '{}'", words.front()));
    return fail(std::format("'{}' cannot be run: {}", words.front(), std::strerror(error)));
  }
  Running(Running&& other) noexcept
      : child_{std::exchange(other.child_, 0)}, output_{std::exchange(other.output_, -1)} {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (output_ >= 0) ::close(output_);
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    static_cast<void>(wait());
  }

  [[nodiscard]] int output() const { return output_; }
  /// As waitpid(2) says it.
  [[nodiscard]] int wait() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) continue;
    child_ = 0;
    return status;
  }

 private:
  Running(pid_t child, int output) : child_{child}, output_{output} {}
  pid_t child_;
  int output_;
};

}  // namespace

Result<ProgramOutput> output_of(const std::vector<std::string>& words, std::chrono::milliseconds longest,
                                const Beside* beside) {
  auto running = Running::start(words);
  if (!running) return std::unexpected{running.error()};
  std::string said;
  std::array<char, 65536> buffer{};
  for (const auto end = Clock::now() + longest;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    std::array<pollfd, 2> wanted{pollfd{.fd = running->output(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = beside == nullptr ? -1 : beside->file, .events = POLLIN, .revents = 0}};
    if (left <= 0 || ::poll(wanted.data(), wanted.size(), static_cast<int>(left)) == 0)
      return fail(std::format("'{}' did not end within {} ms", words.front(), longest.count()));
    if (wanted[1].revents != 0) beside->ready();
    if (wanted[0].revents == 0) continue;
    const auto bytes = ::read(running->output(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    said.append(buffer.data(), static_cast<std::size_t>(bytes));
    if (said.size() > output_bytes_max)
      return fail(std::format("'{}' says more than {} bytes", words.front(), output_bytes_max));
  }
  const int status = running->wait();
  return ProgramOutput{std::move(said), WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

}  // namespace cloister::cloisterctl
