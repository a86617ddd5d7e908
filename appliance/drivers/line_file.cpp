#include "appliance/drivers/line_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <format>
#include <utility>

namespace cloister::drivers {
namespace {

std::unexpected<Error> failed(const std::string& path, const char* what) {
  return fail(std::format("'{}' {}: {}", path, what, std::strerror(errno)));
}

Result<std::string> read_bytes(const std::string& path, int file, std::uint64_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::pread(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path, "cannot be read");
    if (count == 0) return fail(std::format("'{}' became shorter while it was read", path));
    done += static_cast<std::size_t>(count);
  }
  return text;
}

}  // namespace

Result<LineFile::Opened> LineFile::open(const std::string& path) {
  FileDescriptor file{::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (file.get() < 0) return failed(path, "cannot be opened");
  struct stat there{};
  if (::fstat(file.get(), &there) != 0) return failed(path, "cannot be looked at");
  if (!S_ISREG(there.st_mode)) return fail(std::format("'{}' is no regular file", path));
  auto text = read_bytes(path, file.get(), static_cast<std::uint64_t>(there.st_size));
  if (!text) return std::unexpected{text.error()};
  if (const auto end = text->rfind('\n') + 1; end != text->size()) {
    text->resize(end);
    if (::ftruncate(file.get(), static_cast<off_t>(end)) != 0) return failed(path, "cannot be cut at its last line");
  }
  LineFile lines{path, std::move(file), text->size()};
  return Opened{std::move(lines), std::move(*text)};
}

Result<> LineFile::append(std::string_view line) {
  std::string bytes{line};
  bytes += '\n';
  const auto written = ::write(file_.get(), bytes.data(), bytes.size());
  if (std::cmp_not_equal(written, bytes.size())) {
    if (written >= 0) errno = ENOSPC;
    const auto error = failed(path_, "cannot be written");
    // Half a line would spoil the next one.
    if (written > 0 && ::ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0) return failed(path_, "is torn");
    return error;
  }
  bytes_ += bytes.size();
  if (::fdatasync(file_.get()) != 0) return failed(path_, "does not reach the disk");
  return {};
}

Result<> LineFile::put_away(const std::string& old_path) {
  if (std::rename(path_.c_str(), old_path.c_str()) != 0) return failed(path_, "cannot be renamed");
  auto next = open(path_);
  if (!next) return std::unexpected{next.error()};
  *this = std::move(next->file);
  return {};
}

}  // namespace cloister::drivers
