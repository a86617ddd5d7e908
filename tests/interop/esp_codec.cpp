// The ESP codec for a script: a line "seal SPI KEY FIRST-SEQUENCE PACKET" or "open SPI KEY NEWEST-SEQUENCE DATAGRAM" (numbers and
// bytes in hex), answered by a line: bytes in hex, or "refused: …".
#include <algorithm>
#include <format>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "appliance/vpn/esp.hpp"

namespace {

using namespace cloister;

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const auto byte : bytes) text += std::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

std::string answer(const std::string& line) {
  std::istringstream words{line};
  std::string what;
  std::string key_text;
  std::string bytes_text;
  std::uint32_t spi = 0;
  std::uint64_t sequence = 0;
  words >> what >> std::hex >> spi >> key_text >> sequence >> bytes_text;
  vpn::SaKey key;
  const auto material = from_hex(key_text);
  if (material.size() != vpn::SaKey::size) return "refused: a key has 36 bytes";
  std::ranges::copy(material, key.fill().begin());
  const auto bytes = from_hex(bytes_text);
  std::vector<std::byte> room(bytes.size() + vpn::esp_overhead_bytes_max);
  if (what == "seal") {
    vpn::OutboundSa sa{{spi}, std::move(key), sequence};
    std::ranges::copy(bytes, room.begin() + vpn::esp_packet_at);
    const auto sealed = sa.seal(bytes.size(), room);
    return sealed ? to_hex(std::span{room}.first(*sealed)) : std::string{"refused: "} + to_string(sealed.error());
  }
  vpn::InboundSa sa{{spi}, std::move(key), sequence};
  const auto opened = sa.open(bytes, room);
  return opened ? to_hex(opened->packet) : std::string{"refused: "} + to_string(opened.error());
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
}
