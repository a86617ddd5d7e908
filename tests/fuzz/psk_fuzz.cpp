// A line that a person types as a PSK or half of one: an error, or what is written as it was read but for spaces and case.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "crypto/psk_text.hpp"

namespace {

std::string plain(std::span<const std::byte> text) {
  std::string out;
  for (const std::byte character : text) {
    const auto code = std::to_integer<unsigned char>(character);
    if (code != ' ' && code != '\t' && code != '\r') out += static_cast<char>(std::tolower(code));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const auto line = std::as_bytes(std::span{data, size});
  const auto read = crypto::parse_psk(line);
  if (!read) return 0;
  const std::string again =
      std::visit([](const auto& carried) { return plain(crypto::to_text(carried).expose()); }, *read);
  require(again == plain(line), "nothing of a PSK is made up");
  return 0;
}
