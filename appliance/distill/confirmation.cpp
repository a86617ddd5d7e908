#include "appliance/distill/confirmation.hpp"

#include <algorithm>

#include "crypto/error.hpp"

namespace cloister::distill {
namespace {

constexpr std::size_t part_bits = confirmation_bits / 2;

template <class Role>
Role part_of(const crypto::SecretBits& amplified, std::size_t first) {
  Role part;
  std::ranges::copy(amplified.slice(first, part_bits).expose_bytes(), part.fill().begin());
  return part;
}

}  // namespace

Confirmation::Confirmation(crypto::SecretBits& amplified)
    : pad_{part_of<crypto::TagPad>(amplified, amplified.size_bits() - part_bits)},
      hash_{part_of<crypto::HashKey>(amplified, amplified.size_bits() - confirmation_bits)} {
  require(amplified.size_bits() > confirmation_bits, "too few bits to confirm");
  amplified = amplified.slice(0, amplified.size_bits() - confirmation_bits);
  hash_.update(std::as_bytes(amplified.expose()));
}

crypto::Block128 Confirmation::seal() && { return crypto::seal_tag(hash_, std::move(pad_)); }

bool Confirmation::matches(const crypto::Block128& tag) const { return crypto::tag_matches(hash_, pad_, tag); }

}  // namespace cloister::distill
