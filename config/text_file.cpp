#include "config/text_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cloister::config {
namespace {

constexpr int silence_milliseconds_max = 5000;

struct OpenFile {
  int descriptor;
  explicit OpenFile(int opened) : descriptor{opened} {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

std::string why(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such file: name another, or begin with one of /usr/share/doc/cloister/examples";
    case EACCES:
      return "this user may not: run it as root";
    case ENXIO:
      return "it is a socket, expected a file";
    default:
      return std::strerror(error);
  }
}

/// What is no file may have no end, or never begin.
std::string unfit(int descriptor) {
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) return why(errno);
  if (S_ISDIR(about.st_mode)) return "it is a directory: name the file in it";
  return S_ISREG(about.st_mode) || S_ISFIFO(about.st_mode) ? "" : "it is a device, expected a file";
}

}  // namespace

std::expected<std::string, Diagnostics> text_of(const std::string& path) {
  const auto unreadable = [&](const std::string& reason) {
    return std::unexpected{Diagnostics{{path, 0, 0, "", "cannot be read: " + reason, ""}}};
  };
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (file.descriptor < 0) return unreadable(why(errno));
  if (const auto reason = unfit(file.descriptor); !reason.empty()) return unreadable(reason);
  std::string text(text_bytes_max + 1, '\0');  // one more than is taken: read_document says so
  std::size_t filled = 0;
  while (filled < text.size()) {
    pollfd readable{.fd = file.descriptor, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, silence_milliseconds_max);
    if (ready == 0) return unreadable("it is a pipe, and nobody has written into it for 5 seconds");
    const auto got = ready < 0 ? -1 : ::read(file.descriptor, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(why(errno));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

}  // namespace cloister::config
