#pragma once
/// The vendor's library as a file: read once, held to its SHA-256, and passed on as a copy that nobody can change.

#include <string>

#include "crypto/error.hpp"
#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::plugin {

inline constexpr std::size_t library_bytes_max = std::size_t{64} << 20;

/// 64 lower-case hexadecimal digits.
[[nodiscard]] Result<std::string> sha256_of(const std::string& path);

/// A sealed memory file with the bytes whose hash was compared; an error when it is not `sha256`.
[[nodiscard]] Result<simulator::FileDescriptor> pinned_library(const std::string& path, const std::string& sha256);

}  // namespace cloister::hal::plugin
