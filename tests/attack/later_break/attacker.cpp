#include "tests/attack/later_break/attacker.hpp"

#include <algorithm>
#include <utility>

#include "appliance/distill/cascade.hpp"
#include "appliance/distill/confirmation.hpp"
#include "appliance/distill/sifting.hpp"
#include "appliance/vpn/derive.hpp"
#include "appliance/vpn/roster.hpp"
#include "crypto/gf128.hpp"
#include "crypto/toeplitz.hpp"

namespace cloister::attack {
namespace {

crypto::SecretBits copy_of(const crypto::SecretBits& bits) { return bits.slice(0, bits.size_bits()); }

/// Whether these are Alice's bits, as her own hash says.
bool is_hers(const distill::VerifyMessage& verify, const crypto::SecretBits& bits) {
  return crypto::verification_hash(verify.key, bits.expose(), bits.size_bits()) == verify.hash;
}

}  // namespace

Attacker::Attacker(PublicFacts facts, Recording recording, std::uint64_t seed)
    : facts_{std::move(facts)},
      recording_{std::move(recording)},
      talk_{read(recording_, facts_.parameters)},
      guesses_{seed} {
  for (const auto& datagram : recording_.datagrams) {
    if (const auto spi = vpn::peek_spi(datagram)) packets_.emplace(*spi, datagram);
  }
}

BlockAttack Attacker::attack(wire::BlockId id, const Notes& bits, const std::vector<std::uint64_t>* seed) {
  const auto& block = talk_.blocks.at(id);
  BlockAttack result;
  result.length_bits = block.amplify->length_bits - distill::confirmation_bits;
  result.told_bits = block.parity_bits() + 8 * block.verify->hash.size();
  auto mine = sifted(block, bits, result);
  const auto amplified = [&](const crypto::SecretBits& from) {
    return crypto::toeplitz_hash(from, seed != nullptr ? *seed : block.amplify->seed, block.amplify->length_bits);
  };
  result.best_guess = amplified(mine);
  if (!is_hers(*block.verify, mine)) {
    auto corrected = replayed(block, std::move(mine));
    if (!corrected) return result;
    mine = std::move(*corrected);
  }
  auto key = amplified(mine);
  if (distill::Confirmation{key}.matches(block.amplify->confirmation)) result.key = std::move(key);
  return result;
}

/// Both boxes' sifting, on bits of his.
crypto::SecretBits Attacker::sifted(const BlockTalk& block, const Notes& bits, BlockAttack& result) {
  crypto::SecretBits all;
  for (const auto& [message, reply] : block.sifts) {
    if (!reply.known) continue;
    const auto kept = distill::kept(message.bases, reply.bases);
    crypto::SecretBits held(message.slots.size());
    std::vector<std::byte> coins(message.slots.size());
    guesses_.fill(coins);
    std::size_t tested = 0;
    for (std::size_t i = 0; i < message.slots.size(); ++i) {
      const bool test_basis = message.bases.get(i) != 0;
      const auto note = bits.find(message.slots[i]);
      const bool guess = (std::to_integer<unsigned>(coins[i]) & 1U) != 0;
      const bool bit = test_basis           ? message.test_bits.get(tested++) != 0
                       : note != bits.end() ? note->second != 0
                                            : guess;
      held.set(i, bit);
      if (!test_basis && kept.get(i) != 0 && note != bits.end()) ++result.known_bits;
    }
    all.append(distill::sift(held, message.bases, reply).key);
  }
  result.sifted_bits = all.size_bits();
  return all;
}

/// The receiver's reconciliation, on bits of his, with the answers that the receiver got. The first pass tells what the
/// receiver took for the QBER: his own test, or an earlier block's key basis.
std::optional<crypto::SecretBits> Attacker::replayed(const BlockTalk& block, crypto::SecretBits bits) const {
  std::vector<double> guesses{0.02, block.verdict->test.error_rate()};
  for (const auto& [id, other] : talk_.blocks) guesses.push_back(other.verdict->key.error_rate());
  for (const double qber : guesses) {
    auto trial = copy_of(bits);
    distill::CascadeCorrector corrector{trial, block.full.seed, qber};
    std::size_t passes = 0;
    std::size_t asked = 0;
    while (true) {
      const auto step = corrector.next_step();
      if (step.done || step.failed) break;
      if (step.pass_block_words) {
        if (passes == block.passes.size() || *step.pass_block_words != block.passes[passes]) break;
        if (!corrector.on_pass_parities(block.parities[passes++])) break;
      } else {
        // What he would ask and the receiver did not: he has no answer to it.
        if (asked == block.answers.size() || !corrector.on_answers(block.answers[asked++])) break;
      }
    }
    if (is_hers(*block.verify, trial)) return trial;
  }
  return std::nullopt;
}

bool Attacker::opens(vpn::Spi spi, vpn::SaKey key) const {
  const auto packet = packets_.find(spi);
  if (packet == packets_.end()) return false;
  std::vector<std::byte> out(packet->second.size());
  return vpn::InboundSa{spi, std::move(key)}.open(packet->second, out).has_value();
}

std::size_t Attacker::open(const RekeyTalk& rekey, crypto::TunnelKey key) const {
  const vpn::SaContext context{.tunnel = facts_.tunnel,
                               .initiator = facts_.initiator,
                               .responder = facts_.responder,
                               .epoch = rekey.offer.epoch,
                               .key_name = rekey.offer.key_name,
                               .kem_public_key = rekey.offer.kem_public,
                               .kem_ciphertext = rekey.accept.kem_ciphertext,
                               .x25519_initiator = {},
                               .x25519_responder = {}};
  const vpn::SaSecrets secrets{std::move(key), std::nullopt};
  const auto one = [&](vpn::Direction direction, vpn::Spi spi) {
    return opens(spi, secrets.derive(context, direction, spi)) ? 1U : 0U;
  };
  return one(vpn::Direction::initiator_to_responder, rekey.accept.spi) +
         one(vpn::Direction::responder_to_initiator, rekey.offer.spi);
}

Attacker::Opened Attacker::open_by_blocks(std::vector<std::pair<wire::BlockId, crypto::SecretBits>> keys) const {
  Opened opened{.all_sas = packets_.size()};
  const auto tunnel = vpn::id_of({facts_.tunnel, {}});
  keys::Store store{{{tunnel, facts_.tunnel, facts_.stock_keys_max}}};
  std::map<wire::KeyName, crypto::TunnelKey> by_name;
  for (auto& [id, key] : keys) {
    const auto& notes = talk_.blocks.at(id).notes;
    const auto own = keys::Needs::decode(notes[0]);
    const auto peer = keys::Needs::decode(notes[1]);
    if (!own || !peer || !store.add(id, wire::Authenticator::qkd, std::move(key), *own, *peer)) continue;
    while (auto next = store.take_next(tunnel)) by_name.emplace(next->name, std::move(next->key));
  }
  for (const auto& rekey : talk_.rekeys) {
    const auto found = by_name.find(rekey.offer.key_name);
    if (found == by_name.end()) continue;
    ++opened.tried;
    opened.sas += open(rekey, std::move(found->second));
    by_name.erase(found);
  }
  return opened;
}

Attacker::Opened Attacker::open_by_secrets(const std::vector<std::vector<std::byte>>& secrets) const {
  constexpr std::size_t rekeys_tried = 2;  // who has the key of one SA has won
  Opened opened{.all_sas = packets_.size()};
  const auto rekeys = std::span{talk_.rekeys}.first(std::min(rekeys_tried, talk_.rekeys.size()));
  for (const auto& secret : secrets) {
    if (secret.empty()) continue;
    // Around and around, so that a short one fills a key, from each of its bytes on.
    const auto window = [&](std::size_t at, std::span<std::byte> out) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = secret[(at + i) % secret.size()];
    };
    for (std::size_t at = 0; at < secret.size(); ++at) {
      for (const auto& rekey : rekeys) {
        for (const auto spi : {rekey.offer.spi, rekey.accept.spi}) {
          vpn::SaKey key;
          window(at, key.fill());
          ++opened.tried;
          opened.sas += opens(spi, std::move(key)) ? 1U : 0U;
        }
        crypto::TunnelKey key;
        window(at, key.fill());
        ++opened.tried;
        opened.sas += open(rekey, std::move(key));
      }
    }
  }
  return opened;
}

}  // namespace cloister::attack
