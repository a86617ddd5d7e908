#include "appliance/drivers/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <format>

#include "appliance/drivers/file_descriptor.hpp"

namespace cloister::drivers {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{4} << 20U;

std::unexpected<Error> failed(const char* what, const std::string& path) {
  return fail(std::format("'{}' cannot be {}: {}", path, what, std::strerror(errno)));
}

Result<> sync_directory_of(const std::string& path) {
  const auto parent = std::filesystem::path{path}.parent_path().string();
  const FileDescriptor directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed("synced", parent);
  return {};
}

}  // namespace

Result<std::optional<std::vector<std::byte>>> read_file(const std::string& path) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0 && errno == ENOENT) return std::nullopt;
  if (file.get() < 0) return failed("read", path);
  std::vector<std::byte> bytes;
  std::array<std::byte, 16384> piece{};
  for (;;) {
    const auto got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0) return failed("read", path);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
    if (bytes.size() > file_bytes_max) return fail(std::format("'{}' is too long", path));
  }
}

Result<> replace_file(const std::string& path, std::span<const std::byte> bytes) {
  const std::string beside = path + ".new";
  const FileDescriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (file.get() < 0) return failed("written", beside);
  while (!bytes.empty()) {
    const auto put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0) return failed("written", beside);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  if (::fsync(file.get()) != 0) return failed("synced", beside);
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed("renamed", beside);
  return sync_directory_of(path);
}

}  // namespace cloister::drivers
