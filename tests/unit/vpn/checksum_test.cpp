// The Internet checksum: RFC 1071's example, and the fast kernel against the plain one.
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <vector>

#include "appliance/vpn/checksum.hpp"

namespace cloister::vpn {
namespace {

TEST_CASE("The sum of RFC 1071, section 3, is ddf2", "[checksum]") {
  constexpr std::array<unsigned, 8> words{0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7};
  std::vector<std::byte> bytes;
  for (const auto word : words) bytes.push_back(static_cast<std::byte>(word));
  std::vector<std::byte> stored(2);
  checksum_store(stored, checksum_fold(checksum_add(0, bytes)));
  CHECK(stored == std::vector{std::byte{0xDD}, std::byte{0xF2}});
}

TEST_CASE("The vector kernel and the plain one agree at every length and place", "[checksum]") {
  std::mt19937 chance{7};
  std::vector<std::byte> memory(70'000);
  for (auto& byte : memory) byte = static_cast<std::byte>(chance() % 8 == 0 ? 0xFF : chance());
  for (std::size_t length = 0; length < 300; ++length) {
    for (std::size_t at = 0; at < 9; ++at) {
      const auto bytes = std::span{memory}.subspan(at, length);
      REQUIRE(checksum_fold(checksum_add(length, bytes)) == checksum_fold(checksum_add_portable(length, bytes)));
    }
  }
  const auto longest = std::span{memory}.first(65'535);
  CHECK(checksum_fold(checksum_add(0, longest)) == checksum_fold(checksum_add_portable(0, longest)));
}

}  // namespace
}  // namespace cloister::vpn
