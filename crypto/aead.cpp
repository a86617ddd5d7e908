#include "crypto/aead.hpp"

#include <intel-ipsec-mb.h>
#include <sodium.h>

#include <new>

#include "crypto/error.hpp"

namespace cloister::crypto {
namespace {

/// The library's table of kernels for this processor; its functions for GCM keep no state in it, so threads share it.
IMB_MGR* manager() {
  static IMB_MGR* const only = [] {
    IMB_MGR* made = alloc_mb_mgr(0);
    require(made != nullptr, "libipsec-mb cannot start");
    init_mb_mgr_auto(made, nullptr);
    return made;
  }();
  return only;
}

}  // namespace

struct alignas(64) Aes256Gcm::Context {
  gcm_key_data key;
};

Aes256Gcm::Aes256Gcm(AeadKey key) : context_{new(arena_allocate(sizeof(Context))) Context} {
  IMB_AES256_GCM_PRE(manager(), key.expose().data(), &context_->key);
}

Aes256Gcm::Aes256Gcm(Aes256Gcm&& other) noexcept : context_{std::exchange(other.context_, nullptr)} {}

Aes256Gcm& Aes256Gcm::operator=(Aes256Gcm&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

Aes256Gcm::~Aes256Gcm() { arena_release(context_, sizeof(Context)); }

void Aes256Gcm::seal(const AeadNonce& nonce, std::span<const std::byte> associated,
                     std::span<const std::byte> plaintext, std::span<std::byte> out) const {
  require(out.size() == plaintext.size() + aead_tag_bytes, "AES-GCM output has another size than plaintext and tag");
  gcm_context_data running;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by the call, once a packet
  auto* target = reinterpret_cast<std::uint8_t*>(out.data());
  IMB_AES256_GCM_ENC(manager(), &context_->key, &running, target,
                     reinterpret_cast<const std::uint8_t*>(plaintext.data()), plaintext.size(),
                     reinterpret_cast<const std::uint8_t*>(nonce.data()),
                     reinterpret_cast<const std::uint8_t*>(associated.data()), associated.size(),
                     target + plaintext.size(), aead_tag_bytes);
  ::sodium_memzero(&running, sizeof running);
}

bool Aes256Gcm::open(const AeadNonce& nonce, std::span<const std::byte> associated, std::span<const std::byte> sealed,
                     std::span<std::byte> out) const {
  if (sealed.size() < aead_tag_bytes) return false;
  const std::size_t bytes = sealed.size() - aead_tag_bytes;
  require(out.size() == bytes, "AES-GCM output has another size than the ciphertext");
  std::array<std::uint8_t, aead_tag_bytes> computed{};
  gcm_context_data running;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by the call, once a packet
  IMB_AES256_GCM_DEC(
      manager(), &context_->key, &running, reinterpret_cast<std::uint8_t*>(out.data()),
      reinterpret_cast<const std::uint8_t*>(sealed.data()), bytes, reinterpret_cast<const std::uint8_t*>(nonce.data()),
      reinterpret_cast<const std::uint8_t*>(associated.data()), associated.size(), computed.data(), computed.size());
  ::sodium_memzero(&running, sizeof running);
  const bool good = ::sodium_memcmp(computed.data(), sealed.data() + bytes, aead_tag_bytes) == 0;
  if (!good) wipe(out);
  return good;
}

}  // namespace cloister::crypto
