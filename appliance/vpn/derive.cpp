#include "appliance/vpn/derive.hpp"

#include <string_view>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/vpn/keylog.hpp"
#include "appliance/wire/writer.hpp"
#include "crypto/key_log.hpp"

namespace cloister::vpn {
using hooks::planted;
using hooks::PlantedBug;
namespace {

constexpr std::string_view label_of_stock = "cloister sa v1";
constexpr std::string_view label_of_exchange = "cloister exchanged sa v1";

void append_with_length(crypto::SecretVector<std::byte>& out, std::span<const std::byte> part) {
  for (unsigned shift = 32; shift > 0; shift -= 8) out.push_back(static_cast<std::byte>(part.size() >> (shift - 8)));
  out.insert(out.end(), part.begin(), part.end());
}

}  // namespace

SaSecrets::SaSecrets(crypto::TunnelKey key, std::optional<crypto::KemSecret> kem) : label_{label_of_stock} {
  crypto::log_secret("tunnel key", key.expose());
  if (kem) crypto::log_secret("ML-KEM secret", kem->expose());
  append_with_length(input_, key.expose());
  append_with_length(input_, kem ? std::span<const std::byte>{kem->expose()} : std::span<const std::byte>{});
}

SaSecrets::SaSecrets(crypto::X25519Secret agreed, crypto::KemSecret kem) : label_{label_of_exchange} {
  crypto::log_secret("X25519 secret", agreed.expose());
  crypto::log_secret("ML-KEM secret", kem.expose());
  append_with_length(input_, agreed.expose());
  append_with_length(input_, kem.expose());
}

SaKey SaSecrets::derive(const SaContext& context, Direction direction, Spi spi) const {
  wire::Writer info;
  info.text(context.tunnel)
      .text(context.initiator)
      .text(context.responder)
      .u64(planted(PlantedBug::epoch_not_in_context) ? 0 : context.epoch)
      .key_name(context.key_name);
  for (const auto part :
       {context.kem_public_key, context.kem_ciphertext, context.x25519_initiator, context.x25519_responder})
    info.u32(static_cast<std::uint32_t>(part.size())).bytes(part);
  info.u8(static_cast<std::uint8_t>(direction)).u32(planted(PlantedBug::spi_not_in_context) ? 0 : spi.value);
  SaKey key;
  crypto::hkdf_sha512(input_, std::as_bytes(std::span{label_}), info.view(), key.fill());
#ifdef CLOISTER_TEST_KEYLOG
  log_sa_key(spi, key);
#endif
  crypto::log_secret("SA key", key.expose());
  return key;
}

}  // namespace cloister::vpn
