#include "crypto/key_log.hpp"

#ifdef CLOISTER_TEST_KEYLOG

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {
namespace {
constexpr std::size_t logged_bytes_max = 96;
}

void log_secret(std::string_view name, std::span<const std::byte> secret) {
  constexpr std::string_view digits = "0123456789abcdef";
  const char* const path = std::getenv("CLOISTER_SECRETS");
  if (path == nullptr) return;
  SecretVector<char> line;
  line.reserve(name.size() + 2 + 2 * logged_bytes_max);
  line.insert(line.end(), name.begin(), name.end());
  line.push_back(' ');
  for (const std::byte byte : secret.first(std::min(secret.size(), logged_bytes_max))) {
    line.push_back(digits[std::to_integer<std::size_t>(byte >> 4)]);
    line.push_back(digits[std::to_integer<std::size_t>(byte & std::byte{15})]);
  }
  line.push_back('\n');
  const int file = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  require(file >= 0, "the file of CLOISTER_SECRETS cannot be opened");
  require(::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()), "the key log is not written");
  ::close(file);
}

bool cores_wanted() { return std::getenv("CLOISTER_CORE") != nullptr; }

}  // namespace cloister::crypto

#endif
