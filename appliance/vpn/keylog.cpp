#include "appliance/vpn/keylog.hpp"

#ifdef CLOISTER_TEST_KEYLOG

#include <cstdlib>
#include <format>
#include <fstream>

namespace cloister::vpn {

void log_sa_key(Spi spi, const SaKey& key) {
  const char* path = std::getenv("CLOISTER_KEYLOG");
  if (path == nullptr) return;
  std::string hex;
  for (const std::byte byte : key.expose()) hex += std::format("{:02x}", std::to_integer<unsigned>(byte));
  std::ofstream{path, std::ios::app} << std::format(
      "\"IPv4\",\"*\",\"*\",\"0x{:08x}\",\"AES-GCM with 16 octet ICV "
      "[RFC4106]\",\"0x{}\",\"NULL\",\"\",\"64-bit\",\"0x00000000\"\n",
      spi.value, hex);
}

}  // namespace cloister::vpn

#endif
