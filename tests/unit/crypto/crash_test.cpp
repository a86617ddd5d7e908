// What a crash leaves in a core: a program that holds secrets dies by each signal, with cores switched on.
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/crash/pattern.hpp"

#ifdef CLOISTER_CRASHING  // not where sanitizers catch the signals

extern char** environ;

namespace cloister::crypto {
namespace {
namespace fs = std::filesystem;

constexpr std::uint64_t seed = 88172645463325252ULL;
constexpr std::size_t word_bytes = sizeof(std::uint64_t);

struct Directory {
  std::string path = "/tmp/cloister-crash-XXXXXX";
  Directory() { path = ::mkdtemp(path.data()); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { fs::remove_all(path); }
};

/// How many of the secret's words are in the core of a program that died by that signal; nothing where the machine writes no
/// core there.
std::optional<std::size_t> found_in_core(const std::string& place, int signal, bool bare) {
  const Directory directory;
  std::vector<std::string> words{CLOISTER_CRASHING, std::to_string(seed), place, std::to_string(signal)};
  if (bare) words.emplace_back("bare");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t there;
  ::posix_spawn_file_actions_init(&there);
  ::posix_spawn_file_actions_addchdir_np(&there, directory.path.c_str());
  pid_t process = 0;
  REQUIRE(::posix_spawn(&process, CLOISTER_CRASHING, &there, nullptr, arguments.data(), environ) == 0);
  ::posix_spawn_file_actions_destroy(&there);
  int status = 0;
  REQUIRE(::waitpid(process, &status, 0) == process);
  INFO("status " << status);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == signal);
  for (const auto& file : fs::directory_iterator{directory.path}) {
    std::ifstream in{file.path(), std::ios::binary};
    const std::string core{std::istreambuf_iterator<char>{in}, {}};
    CHECK(core.size() > 10'000);
    std::array<std::byte, test::pattern_bytes> secret{};
    test::fill_pattern(seed, secret.data());
    std::size_t count = 0;
    for (std::size_t word = 0; word < secret.size(); word += word_bytes)
      if (core.contains(std::string_view{reinterpret_cast<const char*>(secret.data()) + word, word_bytes})) ++count;
    return count;
  }
  return std::nullopt;
}

TEST_CASE("A crash by any signal ends the process by that signal, and its core has no secret", "[crash]") {
  if (!found_in_core("arena", SIGABRT, true)) SKIP("this machine writes cores elsewhere (kernel.core_pattern)");
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGQUIT}) {
    INFO("signal " << signal);
    CHECK(found_in_core("arena", signal, false) == 0U);
  }
}

TEST_CASE("What OpenSSL holds, and what was freed, is in no core either; without what keeps it out, each is found",
          "[crash]") {
  for (const std::string place : {"arena", "library", "freed"}) {
    INFO(place);
    const auto bare = found_in_core(place, SIGABRT, true);
    if (!bare) SKIP("this machine writes cores elsewhere (kernel.core_pattern)");
    CHECK(*bare > 0);
    CHECK(found_in_core(place, SIGABRT, false) == 0U);
  }
}

TEST_CASE(
    "Whose stack is used up, of the main thread and of another, leaves no secret; without a stack for that each does",
    "[crash]") {
  for (const std::string place : {"main overflow", "thread overflow"}) {
    INFO(place);
    const auto bare = found_in_core(place, SIGSEGV, true);
    if (!bare) SKIP("this machine writes cores elsewhere (kernel.core_pattern)");
    CHECK(*bare > 0);
    CHECK(found_in_core(place, SIGSEGV, false) == 0U);
  }
}

TEST_CASE(
    "The registers of the thread that crashes, and of one that waits, are in no core; without what clears them they "
    "are",
    "[crash]") {
  for (const std::string place : {"registers", "thread"}) {
    INFO(place);
    const auto bare = found_in_core(place, SIGABRT, true);
    if (!bare) SKIP("this machine writes cores elsewhere (kernel.core_pattern)");
    CHECK(*bare > 0);
    for (const int signal : {SIGABRT, SIGSEGV, SIGQUIT}) CHECK(found_in_core(place, signal, false) == 0U);
  }
}

TEST_CASE(
    "The general registers of the thread that crashes, and of one that computes, are in no core; without what clears "
    "them all six are that a function keeps",
    "[crash]") {
  for (const std::string place : {"general", "computing"}) {
    INFO(place);
    const auto bare = found_in_core(place, SIGABRT, true);
    if (!bare) SKIP("this machine writes cores elsewhere (kernel.core_pattern)");
    CHECK(*bare == test::pattern_bytes / word_bytes);
    for (const int signal : {SIGABRT, SIGSEGV, SIGQUIT}) CHECK(found_in_core(place, signal, false) == 0U);
  }
}

}  // namespace
}  // namespace cloister::crypto

#endif
