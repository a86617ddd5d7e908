#include "appliance/dashboard/token.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>

namespace cloister::dashboard {
namespace {

constexpr std::size_t letters_min = 32;   // 128 bits, where they are hexadecimal digits
constexpr std::size_t letters_max = 512;  // a cookie or a header with it stays small
constexpr const char* remedy = "make one by: openssl rand -hex 32";

bool may_stand(char letter) {
  return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
         letter == '-' || letter == '_';
}

}  // namespace

std::expected<Token, std::string> Token::from(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  const auto word = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
  if (word.size() < letters_min || word.size() > letters_max) {
    return std::unexpected{
        std::format("a token has {} to {} letters, this one {}: {}", letters_min, letters_max, word.size(), remedy)};
  }
  if (!std::ranges::all_of(word, may_stand))
    return std::unexpected{std::format("a token has no letters but A-Z a-z 0-9 - _: {}", remedy)};
  return Token{word};
}

std::expected<Token, std::string> Token::read(const std::string& path) {
  std::ifstream file{path};
  if (!file) return std::unexpected{std::format("cannot read the token '{}': {}", path, std::strerror(errno))};
  std::string text(letters_max + 2, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto token = from(text);
  if (!token) return std::unexpected{std::format("'{}': {}", path, token.error())};
  return token;
}

bool Token::is(std::string_view said) const {
  return said.size() == word_.size() && ::CRYPTO_memcmp(said.data(), word_.data(), word_.size()) == 0;
}

}  // namespace cloister::dashboard
