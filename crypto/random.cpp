#include "crypto/random.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sodium.h>
#include <sys/random.h>

#include <array>
#include <new>

#include "crypto/error.hpp"
#include "crypto/key_log.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t reseed_after_bytes = std::size_t{16} << 20U;
constexpr std::size_t buffer_bytes = 1024;

}  // namespace

bool fill_from_kernel(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto got = ::getrandom(out.data(), out.size(), 0);
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

/// Fast key erasure: each refill of the buffer also replaces the key, so that a stolen state tells nothing of what was
/// given out.
struct SystemRandom::State {
  std::array<unsigned char, crypto_stream_chacha20_KEYBYTES> key{};
  std::array<unsigned char, buffer_bytes> buffer{};
  std::size_t available = 0;  // at the end of the buffer
  std::size_t since_reseed = 0;

  void generate(unsigned char* out, std::size_t bytes) {
    static constexpr std::array<unsigned char, crypto_stream_chacha20_NONCEBYTES> nonce{};
    require(::crypto_stream_chacha20(out, bytes, nonce.data(), key.data()) == 0, "ChaCha20 failed");
  }
};

SystemRandom::SystemRandom() : state_{new(arena_allocate(sizeof(State))) State{}} {
  require(::sodium_init() >= 0, "libsodium cannot start");
  reseed();
}

SystemRandom::~SystemRandom() { arena_release(state_, sizeof(State)); }

void SystemRandom::reseed() {
  std::array<unsigned char, 2UZ * crypto_stream_chacha20_KEYBYTES> input{};
  const std::span fresh = std::span{input}.first(state_->key.size());
  require(fill_from_kernel(std::as_writable_bytes(fresh)), "the kernel gives no randomness");
  std::copy(state_->key.begin(), state_->key.end(), input.begin() + static_cast<std::ptrdiff_t>(fresh.size()));
  require(::crypto_generichash(state_->key.data(), state_->key.size(), input.data(), input.size(), nullptr, 0) == 0,
          "BLAKE2b failed");
  ::sodium_memzero(input.data(), input.size());
  state_->available = 0;
  state_->since_reseed = 0;
  log_secret("generator state", std::as_bytes(std::span{state_->key}));
}

void SystemRandom::fill(std::span<std::byte> out) {
  auto* target = reinterpret_cast<unsigned char*>(out.data());
  std::size_t left = out.size();
  while (left > 0) {
    if (state_->since_reseed >= reseed_after_bytes) reseed();
    if (state_->available == 0) {
      std::array<unsigned char, buffer_bytes + crypto_stream_chacha20_KEYBYTES> block{};
      state_->generate(block.data(), block.size());
      std::copy(block.begin(), block.begin() + crypto_stream_chacha20_KEYBYTES, state_->key.begin());
      std::copy(block.begin() + crypto_stream_chacha20_KEYBYTES, block.end(), state_->buffer.begin());
      ::sodium_memzero(block.data(), block.size());
      state_->available = buffer_bytes;
      state_->since_reseed += buffer_bytes;
    }
    const std::size_t take = std::min(left, state_->available);
    unsigned char* source = state_->buffer.data() + (buffer_bytes - state_->available);
    std::copy(source, source + take, target);
    ::sodium_memzero(source, take);
    state_->available -= take;
    target += take;
    left -= take;
  }
}

/// A thread's own generators look at the first one's count before each use, and reseed from it where that has moved.
void reseed_openssl() {
  auto* const first = ::RAND_get0_primary(nullptr);
  require(first != nullptr && ::EVP_RAND_reseed(first, 1, nullptr, 0, nullptr, 0) == 1, "OpenSSL gets no randomness");
}

}  // namespace cloister::crypto
