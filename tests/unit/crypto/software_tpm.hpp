#pragma once
/// A TPM 2.0 (swtpm) for a test, and a bus on which somebody listens or changes what passes.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace cloister::crypto::test {

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

inline int connect_to(const std::string& path) {
  const auto address = address_of(path);
  for (int tries = 0; tries < 500; ++tries) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
    ::close(socket);
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return -1;
}

/// TPM2_PCR_Extend of the bank SHA-256, with an empty password (TPM 2.0 part 3, 22.2).
inline std::vector<std::byte> pcr_extension(unsigned pcr, std::span<const std::byte, 32> digest) {
  const std::vector<unsigned> head{0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, pcr, 0, 0,   0,
                                   9,    0x40, 0, 0, 9, 0,  0, 0, 0,    0,    0, 0, 0, 1,   0, 0x0B};
  std::vector<std::byte> command;
  for (const unsigned byte : head) command.push_back(static_cast<std::byte>(byte));
  for (const auto byte : digest) command.push_back(byte);
  return command;
}

/// A TPM of its own, gone with the object.
class SoftwareTpm {
 public:
  SoftwareTpm() {
    std::string name = "/tmp/cloister-tpm-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(state_directory());
    start();
  }
  /// After a power cut: on the state that it had, or that a test has put there.
  void start() {
    std::error_code none;
    std::filesystem::remove(socket(), none);
    std::filesystem::remove(socket() + ".ctrl", none);
    const std::string state = "dir=" + state_directory();
    const std::string server = "type=unixio,path=" + socket();
    const std::string control = "type=unixio,path=" + socket() + ".ctrl";
    std::vector<std::string> words{"swtpm",
                                   "socket",
                                   "--tpm2",
                                   "--tpmstate",
                                   state,
                                   "--server",
                                   server,
                                   "--ctrl",
                                   control,
                                   "--flags",
                                   "not-need-init,startup-clear"};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t quiet;
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    REQUIRE(::posix_spawnp(&process_, "swtpm", &quiet, nullptr, arguments.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&quiet);
    // A socket is there before it is listened on, so its file says nothing.
    for (const auto& path : {socket() + ".ctrl", socket()}) {
      const int connection = connect_to(path);
      REQUIRE(connection >= 0);
      ::close(connection);
    }
  }
  SoftwareTpm(const SoftwareTpm&) = delete;
  SoftwareTpm& operator=(const SoftwareTpm&) = delete;
  ~SoftwareTpm() {
    cut_power();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void cut_power() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  /// As firmware does.
  void extend(unsigned pcr, std::span<const std::byte, 32> digest) const {
    const auto command = pcr_extension(pcr, digest);
    const int tpm = connect_to(socket());
    std::array<std::byte, 64> answer{};
    REQUIRE(::write(tpm, command.data(), command.size()) == static_cast<ssize_t>(command.size()));
    REQUIRE(::read(tpm, answer.data(), answer.size()) >= 10);
    CHECK(std::ranges::all_of(std::span{answer}.subspan(6, 4), [](std::byte byte) { return byte == std::byte{}; }));
    ::close(tpm);
  }
  [[nodiscard]] std::string state_directory() const { return directory_ + "/state"; }
  [[nodiscard]] std::string socket() const { return directory_ + "/tpm"; }
  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + socket(); }

 private:
  std::string directory_;
  pid_t process_ = -1;
};

/// What becomes of the TPM's answer to one command, and of the bus behind it.
struct Spoilt {
  std::vector<std::byte> answer;  // what is passed on of it; nothing: silence
  bool closes = false;            // the TPM is gone then
};

/// Between a program and its TPM: passes everything on and remembers it.
class ListeningBus {
 public:
  explicit ListeningBus(const SoftwareTpm& tpm) : path_{tpm.socket() + "-bus"} {
    for (const std::string end : {"", ".ctrl"}) {
      const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const auto address = address_of(path_ + end);
      ::unlink(address.sun_path);  // of an earlier one
      REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
      REQUIRE(::listen(listener, 4) == 0);
      threads_.emplace_back([this, listener, target = tpm.socket() + end] { serve(listener, target); });
    }
  }
  ListeningBus(const ListeningBus&) = delete;
  ListeningBus& operator=(const ListeningBus&) = delete;
  ~ListeningBus() { stop_ = true; }  // jthreads join
  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + path_; }
  /// From now on: the last bit of the TPM's answer number `number` (from 0) is changed.
  void change_answer(int number) { answers_until_change_ = number; }
  /// The answer number `number` from now on (from 0) becomes what `spoil` makes of it.
  void spoil_answer(int number, std::function<Spoilt(std::vector<std::byte>)> spoil) {
    const std::lock_guard lock{mutex_};
    spoil_ = std::move(spoil);
    answers_until_spoilt_ = number;
  }
  [[nodiscard]] int answers_heard() const { return answers_heard_; }
  /// Before the next command with this code is passed on, the TPM does these, as if another process had been quicker.
  void before(std::uint32_t code, std::vector<std::vector<std::byte>> commands) {
    const std::lock_guard lock{mutex_};
    awaited_code_ = code;
    inserted_ = std::move(commands);
  }
  [[nodiscard]] std::size_t times_seen(std::span<const std::byte> text) {
    const std::lock_guard lock{mutex_};
    std::size_t count = 0;
    for (auto at = heard_.begin(); (at = std::search(at, heard_.end(), text.begin(), text.end())) != heard_.end(); ++at)
      ++count;
    return count;
  }
  /// Whether all that was to be inserted was, and the TPM did it.
  [[nodiscard]] bool inserted() {
    const std::lock_guard lock{mutex_};
    return inserted_.empty() && !inserted_failed_;
  }
  [[nodiscard]] std::size_t bytes_heard() {
    const std::lock_guard lock{mutex_};
    return heard_.size();
  }

 private:
  void serve(int listener, const std::string& target) {
    while (!stop_) {
      pollfd waiting{listener, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const int tpm = connect_to(target);
      pass_on(client, tpm);
      ::close(client);
      ::close(tpm);
    }
    ::close(listener);
  }
  void pass_on(int client, int tpm) {
    while (!stop_) {
      std::array<pollfd, 2> ends{pollfd{client, POLLIN, 0}, pollfd{tpm, POLLIN, 0}};
      if (::poll(ends.data(), 2, 20) <= 0) continue;
      for (std::size_t i = 0; i < 2; ++i) {
        if (ends[i].revents == 0) continue;
        std::array<std::byte, 8192> buffer{};
        const auto got = ::read(ends[i].fd, buffer.data(), buffer.size());
        if (got <= 0) return;
        {
          const std::lock_guard lock{mutex_};
          heard_.insert(heard_.end(), buffer.begin(), buffer.begin() + got);
        }
        if (i == 0) insert_before({buffer.data(), static_cast<std::size_t>(got)}, tpm);
        if (i == 1 && answers_until_change_-- == 0) buffer[static_cast<std::size_t>(got) - 1] ^= std::byte{1};
        if (i == 1) ++answers_heard_;
        if (i == 1 && answers_until_spoilt_-- == 0) {
          const auto spoilt = spoil_({buffer.begin(), buffer.begin() + got});
          if (::write(client, spoilt.answer.data(), spoilt.answer.size()) !=
                  static_cast<ssize_t>(spoilt.answer.size()) ||
              spoilt.closes)
            return;
          continue;
        }
        if (::write(ends[1 - i].fd, buffer.data(), static_cast<std::size_t>(got)) != got) return;
      }
    }
  }

  void insert_before(std::span<const std::byte> command, int tpm) {
    constexpr std::size_t code_at = 6;  // TPM 2.0 part 1, 18.2: tag, size, command code
    const std::lock_guard lock{mutex_};
    if (inserted_.empty() || command.size() < code_at + 4 || big_endian(command, code_at) != awaited_code_) return;
    for (const auto& other : std::exchange(inserted_, {})) {
      std::array<std::byte, 4096> answer{};
      if (::write(tpm, other.data(), other.size()) != static_cast<ssize_t>(other.size())) return;
      const auto got = ::read(tpm, answer.data(), answer.size());
      inserted_failed_ |= got < 10 || big_endian(answer, code_at) != 0;
    }
  }
  static std::uint32_t big_endian(std::span<const std::byte> bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = (value << 8U) | std::to_integer<std::uint32_t>(bytes[at + i]);
    return value;
  }

  std::string path_;
  std::uint32_t awaited_code_ = 0;
  std::vector<std::vector<std::byte>> inserted_;
  bool inserted_failed_ = false;
  std::atomic<bool> stop_ = false;
  std::atomic<int> answers_until_change_ = -1;
  std::atomic<int> answers_until_spoilt_ = -1;
  std::atomic<int> answers_heard_ = 0;
  std::function<Spoilt(std::vector<std::byte>)> spoil_;
  std::mutex mutex_;
  std::vector<std::byte> heard_;
  std::vector<std::jthread> threads_;
};

}  // namespace cloister::crypto::test
