#pragma once
/// One box's half of a block while it is made: its sifted bits, what is counted, what was disclosed.

#include <algorithm>
#include <cstdint>
#include <format>
#include <optional>
#include <set>
#include <string>

#include "appliance/distill/account.hpp"
#include "appliance/distill/chain.hpp"
#include "appliance/distill/sifting.hpp"
#include "crypto/bits.hpp"

namespace cloister::distill {

/// Less than this is not worth the tags that authenticate it (64 times 2 tags of 128 bits).
inline constexpr std::uint64_t length_bits_min = 64UZ * 256;

/// Blocks between their first frame and their key, at most: enough small ones that the round trips of one are another's
/// time for work. A sifted bit takes about two bytes while it is reconciled, with its places in all passes, so this is
/// some 128 MB; blocks of more than 32 Mbit are open by twos however long they are.
[[nodiscard]] inline std::size_t open_blocks_max(const Parameters& parameters) {
  constexpr std::uint64_t open_bits_max = std::uint64_t{1} << 26U;
  return std::clamp<std::size_t>(open_bits_max / std::max<std::uint64_t>(1, parameters.block_bits), 2, 16);
}

struct SiftedBlock {
  crypto::SecretBits bits;  // of the key basis
  BitString decoys;         // of each: not the signal; public
  BitString weaker;         // of each: the second decoy; public
  Account account;

  SiftedBlock(wire::BlockId id, const Parameters& parameters) {
    account.block = id.value;
    account.parameters = parameters;
  }
  void add(const Sifted& sifted) {
    bits.append(sifted.key);
    decoys.append(sifted.decoys);
    weaker.append(sifted.weaker);
    const auto counts = counts_by_intensity(sifted.key.size_bits(), sifted.decoys.count(), sifted.weaker.count());
    for (std::size_t k = 0; k < intensities_max; ++k) {
      account.key.n[k] += counts[k];
      account.test.n[k] += sifted.test.n[k];
      account.test.m[k] += sifted.test.m[k];
    }
  }
  /// Which of the intensities a bit of the key basis was sent with.
  [[nodiscard]] std::size_t intensity(std::size_t bit) const { return decoys.get(bit) + weaker.get(bit); }
  [[nodiscard]] std::uint64_t tested() const { return account.test.detections(); }
};

/// The blocks that were dropped here last: the peer may speak of them until it hears.
class DroppedBlocks {
 public:
  DroppedBlocks() = default;
  explicit DroppedBlocks(std::size_t kept) : kept_{kept} {}
  void add(wire::BlockId block) {
    ids_.insert(block);
    if (ids_.size() > kept_) ids_.erase(ids_.begin());
  }
  [[nodiscard]] bool contains(wire::BlockId block) const { return ids_.contains(block); }

 private:
  std::size_t kept_ = 64;
  std::set<wire::BlockId> ids_;
};

/// Why a block gave no key, for a person.
[[nodiscard]] inline std::string drop_text(DropReason reason, const Account& account, bool by_peer) {
  const std::string who = by_peer ? "the peer found: " : "";
  switch (reason) {
    case DropReason::qber_above_limit: {
      const double worst = std::max(account.test_qber(), account.key_qber());
      return who + std::format(
                       "QBER {:.1f} % is above the limit {:.1f} %: no key made; someone may be listening, or the link "
                       "is misaligned",
                       100 * worst, 100 * account.parameters.qber_limit);
    }
    case DropReason::no_secret_key:
      return who + std::format(
                       "no secret key can be had from it (phase error up to {:.1f} %): larger blocks or less noise "
                       "would help",
                       100 * account.phase_error);
    case DropReason::reconciliation_failed:
      return who + "reconciliation did not end";
    case DropReason::verification_failed:
      return who + "the blocks still differ after reconciliation";
    case DropReason::device_suspect:
      return who + "a device shows signs of somebody else's light";
    case DropReason::kmes_disagree:
      return who +
             "the two KMEs gave different keys under the same identifiers: none of them is used; look at both KMEs and "
             "at "
             "who can reach them";
    case DropReason::kme_failed:
      return who + "its KME does not give the keys that were offered: the alarms of that box say why";
  }
  return {};
}

}  // namespace cloister::distill
