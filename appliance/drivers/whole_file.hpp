#pragma once
/// Small files that are read and replaced whole.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::drivers {

/// Nothing when there is no such file.
[[nodiscard]] Result<std::optional<std::vector<std::byte>>> read_file(const std::string& path);
/// The new content or the old, also through a power cut: written beside, synced, renamed, the directory synced.
[[nodiscard]] Result<> replace_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace cloister::drivers
