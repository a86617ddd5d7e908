// Sealing with a real TPM 2.0 (swtpm), over a bus that somebody listens to.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <mutex>
#include <thread>

#include "crypto/tpm.hpp"
#include "crypto/tpm_blob.hpp"

extern char** environ;

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

int connect_to(const std::string& path) {
  const auto address = address_of(path);
  for (int tries = 0; tries < 500; ++tries) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
    ::close(socket);
    std::this_thread::sleep_for(10ms);
  }
  return -1;
}

/// A TPM of its own, gone with the object.
class SoftwareTpm {
 public:
  SoftwareTpm() {
    std::string name = "/tmp/cloister-tpm-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    const std::string state = "dir=" + directory_;
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
    for (int tries = 0; tries < 500 && !std::filesystem::exists(socket() + ".ctrl"); ++tries)
      std::this_thread::sleep_for(10ms);
  }
  SoftwareTpm(const SoftwareTpm&) = delete;
  SoftwareTpm& operator=(const SoftwareTpm&) = delete;
  ~SoftwareTpm() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  [[nodiscard]] std::string socket() const { return directory_ + "/tpm"; }
  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + socket(); }

 private:
  std::string directory_;
  pid_t process_ = -1;
};

/// Between a program and its TPM: passes everything on and remembers it.
class ListeningBus {
 public:
  explicit ListeningBus(const SoftwareTpm& tpm) : path_{tpm.socket() + "-bus"} {
    for (const std::string end : {"", ".ctrl"}) {
      const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const auto address = address_of(path_ + end);
      REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
      REQUIRE(::listen(listener, 4) == 0);
      threads_.emplace_back([this, listener, target = tpm.socket() + end] { serve(listener, target); });
    }
  }
  ListeningBus(const ListeningBus&) = delete;
  ListeningBus& operator=(const ListeningBus&) = delete;
  ~ListeningBus() { stop_ = true; }  // jthreads join
  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + path_; }
  [[nodiscard]] std::size_t times_seen(std::span<const std::byte> text) {
    const std::lock_guard lock{mutex_};
    std::size_t count = 0;
    for (auto at = heard_.begin(); (at = std::search(at, heard_.end(), text.begin(), text.end())) != heard_.end(); ++at)
      ++count;
    return count;
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
        if (::write(ends[1 - i].fd, buffer.data(), static_cast<std::size_t>(got)) != got) return;
      }
    }
  }

  std::string path_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::vector<std::byte> heard_;
  std::vector<std::jthread> threads_;
};

std::vector<std::byte> a_secret() {
  std::vector<std::byte> secret;
  for (int i = 0; i < 32; ++i) secret.push_back(static_cast<std::byte>(0xC0 + 7 * i));
  return secret;
}

TEST_CASE(
    "A sealed secret comes back from the TPM that sealed it, also after a restart of the connection, and from no other",
    "[tpm]") {
  const SoftwareTpm ours;
  const SoftwareTpm other;
  std::vector<std::byte> blob;
  {
    auto tpm = Tpm::open(ours.tcti());
    REQUIRE(tpm);
    auto sealed = tpm->seal(a_secret());
    REQUIRE(sealed);
    blob = *sealed;
  }
  CHECK(std::ranges::search(blob, a_secret()).empty());
  auto tpm = Tpm::open(ours.tcti());
  REQUIRE(tpm);
  const auto opened = tpm->unseal(blob);
  REQUIRE(opened);
  CHECK(std::ranges::equal(*opened, a_secret()));

  auto foreign = Tpm::open(other.tcti());
  REQUIRE(foreign);
  const auto refused = foreign->unseal(blob);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("sealed by another TPM"));
}

TEST_CASE("A changed blob is refused, whatever byte was changed", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto blob = tpm->seal(a_secret());
  REQUIRE(blob);
  for (std::size_t i = 0; i < blob->size(); i += 5) {
    auto changed = *blob;
    changed[i] ^= std::byte{0x10};
    INFO("byte " << i);
    const auto opened = tpm->unseal(changed);
    CHECK_FALSE(opened);
  }
  CHECK(tpm->unseal(*blob));  // and the TPM is not locked out by it
}

TEST_CASE("A secret never crosses the TPM's bus in clear", "[tpm]") {
  const SoftwareTpm software;
  ListeningBus bus{software};
  auto tpm = Tpm::open(bus.tcti());
  REQUIRE(tpm);
  const auto blob = tpm->seal(a_secret());
  REQUIRE(blob);
  REQUIRE(tpm->unseal(*blob));
  CHECK(bus.bytes_heard() > 1000);
  const auto secret = a_secret();
  CHECK(bus.times_seen(std::span{secret}.first(8)) == 0);
  CHECK(bus.times_seen(std::span{secret}.last(8)) == 0);
  const std::array tag{std::byte{0x80}, std::byte{0x02}};  // TPM_ST_SESSIONS: the search finds what is there
  CHECK(bus.times_seen(tag) > 0);
}

TEST_CASE("A TPM that is not there is one line that says what to look at", "[tpm]") {
  const auto tpm = Tpm::open("swtpm:path=/nonexistent/tpm");
  REQUIRE_FALSE(tpm);
  CHECK_THAT(tpm.error().message, ContainsSubstring("cannot be reached") && ContainsSubstring("tpm.tcti"));
  CHECK_FALSE(tpm.error().message.contains('\n'));
}

TEST_CASE("A blob that is cut short or has more behind it is refused", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  auto blob = tpm->seal(a_secret());
  REQUIRE(blob);
  REQUIRE(decode_tpm_blob(*blob));
  for (std::size_t length = 0; length < blob->size(); ++length)
    REQUIRE_FALSE(decode_tpm_blob(std::span{*blob}.first(length)));
  blob->push_back(std::byte{0});
  CHECK_FALSE(decode_tpm_blob(*blob));
  CHECK_FALSE(tpm->seal({}));
  CHECK_FALSE(tpm->seal(std::vector<std::byte>(129)));
}

}  // namespace
}  // namespace cloister::crypto
