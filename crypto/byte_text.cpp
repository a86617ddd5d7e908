#include "crypto/byte_text.hpp"

#include <sodium.h>

namespace cloister::crypto {
namespace {

const unsigned char* octets(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(std::vector<std::byte>& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), octets(bytes), bytes.size());
  text.pop_back();
  return text;
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
  std::vector<std::byte> bytes(text.size() / 2 + 1);  // sodium takes no null pointer
  std::size_t length = 0;
  const char* end = nullptr;
  const int done = sodium_hex2bin(octets(bytes), bytes.size(), text.data(), text.size(), nullptr, &length, &end);
  bytes.resize(length);
  if (done != 0 || 2 * length != text.size()) return std::nullopt;
  return bytes;
}

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), octets(bytes), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  std::vector<std::byte> bytes(text.size() / 4 * 3 + 1);
  std::size_t length = 0;
  const char* end = nullptr;
  const int done = sodium_base642bin(octets(bytes), bytes.size(), text.data(), text.size(), nullptr, &length, &end,
                                     sodium_base64_VARIANT_ORIGINAL);
  bytes.resize(length);
  if (done != 0 || to_base64(bytes) != text) return std::nullopt;  // one form only
  return bytes;
}

}  // namespace cloister::crypto
