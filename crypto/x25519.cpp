#include "crypto/x25519.hpp"

#include <sodium.h>

namespace cloister::crypto {
namespace {

static_assert(crypto_scalarmult_SCALARBYTES == X25519Scalar::size);
static_assert(crypto_scalarmult_BYTES == x25519_public_bytes);

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

X25519Scalar fresh(Random& random) {
  X25519Scalar scalar;
  random.fill(scalar.fill());
  return scalar;
}

}  // namespace

X25519KeyPair::X25519KeyPair(Random& random) : X25519KeyPair{fresh(random)} {}

X25519KeyPair::X25519KeyPair(X25519Scalar scalar) : scalar_{std::move(scalar)} {
  crypto_scalarmult_base(raw(public_.data()), raw(scalar_.expose().data()));
}

Result<X25519Secret> X25519KeyPair::agree(std::span<const std::byte, x25519_public_bytes> peer) && {
  const X25519Scalar scalar = std::move(scalar_);
  X25519Secret secret;
  if (crypto_scalarmult(raw(secret.fill().data()), raw(scalar.expose().data()), raw(peer.data())) != 0)
    return fail("the peer's X25519 public key is of low order: it gives no secret");
  return secret;
}

}  // namespace cloister::crypto
