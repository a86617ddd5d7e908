#include "crypto/gf128.hpp"

#include <algorithm>
#include <new>

#include "crypto/error.hpp"
#include "crypto/gf128_kernel.hpp"
#include "crypto/kdf.hpp"

namespace cloister::crypto {

struct PolynomialHash::State {
  Gf128Powers powers{};
  Block128 value{};
  std::uint64_t blocks = 0;
};

PolynomialHash::PolynomialHash(const HashKey& key) : state_{new(arena_allocate(sizeof(State))) State{}} {
  std::ranges::copy(key.expose(), state_->powers[0].begin());
  for (std::size_t i = 1; i < gf128_powers; ++i)
    state_->powers[i] = gf128_kernel().multiply(state_->powers[i - 1], state_->powers[0]);
}

PolynomialHash::PolynomialHash(PolynomialHash&& other) noexcept : state_{std::exchange(other.state_, nullptr)} {}

PolynomialHash& PolynomialHash::operator=(PolynomialHash&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

PolynomialHash::~PolynomialHash() { arena_release(state_, sizeof(State)); }

void PolynomialHash::update(std::span<const std::byte> item) {
  const std::size_t whole = item.size() / 16 * 16;
  gf128_kernel().absorb(state_->value, state_->powers, item.first(whole));
  if (whole < item.size()) {
    Block128 last{};
    std::ranges::copy(item.subspan(whole), last.begin());
    gf128_kernel().absorb(state_->value, state_->powers, last);
  }
  state_->blocks += (item.size() + 15) / 16;
}

void PolynomialHash::append(const PolynomialHash& tail) {
  // value · H^n, by square and multiply over the public exponent n.
  Block128 square = state_->powers[0];
  for (std::uint64_t exponent = tail.state_->blocks; exponent != 0; exponent >>= 1U) {
    if ((exponent & 1U) != 0) state_->value = gf128_kernel().multiply(state_->value, square);
    square = gf128_kernel().multiply(square, square);
  }
  wipe(square);
  for (std::size_t i = 0; i < state_->value.size(); ++i) state_->value[i] ^= tail.state_->value[i];
  state_->blocks += tail.state_->blocks;
}

std::uint64_t PolynomialHash::blocks() const { return state_->blocks; }
Block128 PolynomialHash::value() const { return state_->value; }

Block128 seal_tag(const PolynomialHash& hash, TagPad pad) {
  Block128 tag = hash.value();
  for (std::size_t i = 0; i < tag.size(); ++i) tag[i] ^= pad.expose()[i];
  return tag;
}

bool tag_matches(const PolynomialHash& hash, const TagPad& pad, const Block128& tag) {
  Block128 expected = hash.value();
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] ^= pad.expose()[i];
  const bool equal = equal_constant_time(expected, tag);
  wipe(expected);
  return equal;
}

Block128 verification_hash(const VerificationKey& key, std::span<const std::uint64_t> words, std::size_t bits) {
  const std::size_t bytes = (bits + 7) / 8;
  require(bytes <= words.size_bytes(), "a verification hash of more bits than there are");
  HashKey hash_key;
  std::ranges::copy(key.key, hash_key.fill().begin());
  PolynomialHash hash{hash_key};
  hash.update(std::as_bytes(words).first(bytes));
  Block128 length{};
  for (std::size_t i = 0; i < 8; ++i) length[8 + i] = static_cast<std::byte>(std::uint64_t{bits} >> (56 - 8 * i));
  hash.update(length);
  return hash.value();
}

}  // namespace cloister::crypto
