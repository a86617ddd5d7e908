#pragma once
/// A file that a command makes for its user.

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <string>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

inline Result<> write_text(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << text << std::flush;
  if (!file) return fail(std::format("'{}' cannot be written: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace cloister::cloisterctl
