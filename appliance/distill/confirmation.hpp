#pragma once
/// That both boxes amplified to the same key: the last bits of the amplified block are spent on a tag over the others.
///
///   amplified = key ‖ H (128) ‖ pad (128)        tag = poly_H(key) ⊕ pad       Alice ──AMPLIFY{…, tag}──▶ Bob
///
/// The verification hash has said that the blocks are equal; this says it of what was made of them, so that a wrong
/// Toeplitz seed or a product that came out wrong on one box gives no key. The tag is Wegman and Carter's under a pad
/// that is used once, so it tells nothing of the key: the bits it costs are all that is lost.

#include "crypto/bits.hpp"
#include "crypto/gf128.hpp"

namespace cloister::distill {

inline constexpr std::size_t confirmation_bits = 256;

class Confirmation {
 public:
  /// Cuts itself off the end of `amplified`, which has more than `confirmation_bits`; the key is what is left.
  explicit Confirmation(crypto::SecretBits& amplified);
  /// Alice: the tag, once.
  [[nodiscard]] crypto::Block128 seal() &&;
  /// Bob: whether it is his too.
  [[nodiscard]] bool matches(const crypto::Block128& tag) const;

 private:
  crypto::TagPad pad_;
  crypto::PolynomialHash hash_;
};

}  // namespace cloister::distill
