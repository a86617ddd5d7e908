// AES-256-GCM alone, as a packet of a full segment and as a small one: seconds of a core for each, sealed and opened.
#include <array>
#include <string>

#include "crypto/aead.hpp"
#include "tests/bench/figures.hpp"

namespace cloister::bench {
namespace {

constexpr std::size_t packets = 64;  // of one batch, as the data plane has them
constexpr std::size_t packet_room = 1536;

void measure(const std::string& name, std::size_t bytes) {
  crypto::AeadKey key;
  for (std::size_t i = 0; auto& byte : key.fill()) byte = static_cast<std::byte>(++i);
  const crypto::Aes256Gcm cipher{std::move(key)};
  std::vector<std::byte> memory(packets * packet_room);
  const std::array<std::byte, 12> associated{};
  crypto::AeadNonce nonce{};
  double sealing = 0;
  double opening = 0;
  std::size_t done = 0;
  const double end = wall_seconds() + 0.5;
  for (; wall_seconds() < end; done += packets) {
    const double begun = core_seconds();
    for (std::size_t i = 0; i < packets; ++i) {
      const auto room = std::span{memory}.subspan(i * packet_room, packet_room);
      nonce[0] = static_cast<std::byte>(i);
      cipher.seal(nonce, associated, room.first(bytes), room.first(bytes + crypto::aead_tag_bytes));
    }
    const double between = core_seconds();
    for (std::size_t i = 0; i < packets; ++i) {
      const auto room = std::span{memory}.subspan(i * packet_room, packet_room);
      nonce[0] = static_cast<std::byte>(i);
      if (!cipher.open(nonce, associated, room.first(bytes + crypto::aead_tag_bytes), room.first(bytes))) return;
    }
    sealing += between - begun;
    opening += core_seconds() - between;
  }
  print("aead/" + name + "/seal", sealing / static_cast<double>(done), "s");
  print("aead/" + name + "/open", opening / static_cast<double>(done), "s");
}

}  // namespace
}  // namespace cloister::bench

int main() {
  cloister::bench::measure("mtu", 1424);  // an inner packet of 1,420 bytes and its trailer
  cloister::bench::measure("small", 96);  // 64 bytes in UDP and IPv4, and its trailer
  return 0;
}
