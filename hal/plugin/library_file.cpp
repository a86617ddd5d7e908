#include "hal/plugin/library_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <format>
#include <span>
#include <vector>

#include "crypto/digest.hpp"

namespace cloister::hal::plugin {

using simulator::FileDescriptor;
using simulator::system_message;

namespace {

Result<std::vector<std::byte>> read_library(const std::string& path) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.get() < 0) return fail(std::format("device library '{}': {}", path, system_message(errno)));
  std::vector<std::byte> bytes;
  for (std::array<std::byte, 65536> piece{};;) {
    const auto count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(std::format("device library '{}': {}", path, system_message(errno)));
    if (count == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(count) > library_bytes_max)
      return fail(std::format("device library '{}' has more than {} MiB", path, library_bytes_max >> 20));
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
  }
}

}  // namespace

Result<std::string> sha256_of(const std::string& path) {
  const auto bytes = read_library(path);
  if (!bytes) return std::unexpected{bytes.error()};
  return crypto::sha256_hex(*bytes);
}

Result<FileDescriptor> pinned_library(const std::string& path, const std::string& sha256) {
  const auto bytes = read_library(path);
  if (!bytes) return std::unexpected{bytes.error()};
  if (const auto found = crypto::sha256_hex(*bytes); found != sha256)
    return fail(
        std::format("device library '{}' has SHA-256 {}, the configuration pins {}: it was changed, or exchanged; if "
                    "that was you, set the new value",
                    path, found, sha256));
  FileDescriptor copy{::memfd_create("device.so", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  for (std::size_t written = 0; copy.get() >= 0 && written < bytes->size();) {
    const auto count = ::write(copy.get(), bytes->data() + written, bytes->size() - written);
    if (count <= 0) return fail(std::format("cannot copy the device library into memory: {}", system_message(errno)));
    written += static_cast<std::size_t>(count);
  }
  if (copy.get() < 0 || ::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return fail(std::format("cannot copy the device library into memory: {}", system_message(errno)));
  return copy;
}

}  // namespace cloister::hal::plugin
