#pragma once
/// Who has recorded everything and is later given every long-term credential and every secret of the bootstrap: what he
/// can make of it.
///
///   notes, or guesses ─▶ sift ─┬─────────────────────────────────▶ verification hash ─▶ amplify ─▶ confirmation ─▶ block key
///                              └─▶ Cascade, with the answers heard ─▶      ″                                         │
///   block keys ─▶ key store, by the notes heard ─▶ tunnel keys by name ─▶ SA keys ─▶ recorded ESP packets  ◀─────────┘
///   credentials, exporter, everything heard in the handshake, at each offset, as any of these keys ─▶ recorded ESP packets
///
/// He runs the product's own stages. Each way to a key ends in a test that he can make himself: the block's hash, its
/// confirmation, or a packet's tag.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/keys/store.hpp"
#include "appliance/vpn/esp.hpp"
#include "crypto/bits.hpp"
#include "tests/attack/later_break/recording.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::attack {

/// How the link is configured; no secret.
struct PublicFacts {
  distill::Parameters parameters;
  std::string tunnel;
  std::string initiator;
  std::string responder;
  std::uint32_t stock_keys_max = 0;
};

/// What he makes of one block.
struct BlockAttack {
  std::uint64_t sifted_bits = 0;
  std::uint64_t known_bits = 0;           // of them, from his notes
  std::uint64_t told_bits = 0;            // parities and hashes in the recording
  std::uint64_t length_bits = 0;          // of the key
  crypto::SecretBits best_guess;          // amplified from notes and guesses, whether it is right or not
  std::optional<crypto::SecretBits> key;  // that the recording itself confirms
};

class Attacker {
 public:
  Attacker(PublicFacts facts, Recording recording, std::uint64_t seed);

  [[nodiscard]] const Talk& talk() const { return talk_; }

  /// `bits`: what he holds for Bob's raw bits, or Alice's; guesses fill what is missing. `seed`: of the amplification,
  /// where he knew it beforehand; then AMPLIFY is not looked at but for its confirmation.
  [[nodiscard]] BlockAttack attack(wire::BlockId block, const Notes& bits,
                                   const std::vector<std::uint64_t>* seed = nullptr);

  struct Opened {
    std::size_t sas = 0;    // SAs of which he can read packets
    std::size_t tried = 0;  // keys
    std::size_t all_sas = 0;
  };
  /// With the keys of blocks.
  [[nodiscard]] Opened open_by_blocks(std::vector<std::pair<wire::BlockId, crypto::SecretBits>> keys) const;
  /// With byte strings, at each offset, as SA keys and as tunnel keys.
  [[nodiscard]] Opened open_by_secrets(const std::vector<std::vector<std::byte>>& secrets) const;

 private:
  [[nodiscard]] crypto::SecretBits sifted(const BlockTalk& block, const Notes& bits, BlockAttack& result);
  [[nodiscard]] std::optional<crypto::SecretBits> replayed(const BlockTalk& block, crypto::SecretBits bits) const;
  [[nodiscard]] bool opens(vpn::Spi spi, vpn::SaKey key) const;
  /// Both SAs of a rekey; how many open.
  [[nodiscard]] std::size_t open(const RekeyTalk& rekey, crypto::TunnelKey key) const;

  PublicFacts facts_;
  Recording recording_;
  Talk talk_;
  std::map<vpn::Spi, std::vector<std::byte>> packets_;  // the first of each SA
  test::SeededRandom guesses_;
};

}  // namespace cloister::attack
