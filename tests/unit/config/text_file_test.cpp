// What is given as a configuration file and is none: refused, or read as far as it goes, and never waited for without end.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "config/text_file.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

struct Directory {
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloister-file-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path / name).string(); }

  std::filesystem::path path;
};

std::string error_of(const std::string& path) {
  const auto text = text_of(path);
  return text ? "" : to_string(text.error().front());
}

TEST_CASE("What is no file is refused with what it is", "[config]") {
  const Directory directory;
  CHECK_THAT(error_of(directory.path), ContainsSubstring("it is a directory"));
  CHECK_THAT(error_of(directory.file("none")), ContainsSubstring("there is no such file"));
  CHECK_THAT(error_of("/dev/zero"), ContainsSubstring("it is a device"));
  const auto path = directory.file("socket");
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK_THAT(error_of(path), ContainsSubstring("it is a socket"));
  ::close(socket);
}

TEST_CASE("A pipe is read to its end, and given up where nobody writes", "[config]") {
  const Directory directory;
  const auto path = directory.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THAT(error_of(path), ContainsSubstring("nobody has written into it for 5 seconds"));
  const std::string whole(100'000, 'x');  // more than a pipe holds
  const std::jthread writer{[&] { std::ofstream{path} << whole; }};
  const auto text = text_of(path);
  REQUIRE(text);
  CHECK(*text == whole);
}

TEST_CASE("A file that is too long is cut where that can be seen", "[config]") {
  const Directory directory;
  const auto path = directory.file("long");
  std::ofstream{path} << std::string(text_bytes_max + 100, 'x');
  CHECK(text_of(path)->size() == text_bytes_max + 1);
}

}  // namespace
}  // namespace cloister::config
