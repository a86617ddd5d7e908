#pragma once
/// Reconciliation by Cascade (Brassard and Salvail 1994), Alice's block being the reference.
///
///   Bob ── pass p: block length ──▶ Alice        Bob ◀── the parity of every block of pass p ──
///   Bob ── the left halves of all odd blocks ──▶ Alice        Bob ◀── their parities ──
///                                                     that is one round; until none is odd
///
/// All odd blocks of all passes so far are halved in the same round. A corrected bit makes blocks of other passes odd
/// or even: they join or leave. Parities that were answered once serve again. Three passes with growing blocks are
/// followed by four over whole lanes, which find what is left with probability 1 - 64^-4 for each pair of errors. What
/// Alice answers is the leakage: each bit of hers on the wire counts once; Bob's questions tell an eavesdropper where
/// errors were, and nothing of Alice's bits beyond the answers.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "appliance/distill/lanes.hpp"
#include "crypto/bits.hpp"

namespace cloister::distill {

inline constexpr std::size_t cascade_passes = 7;
/// A reconciliation that has not ended by then never will.
inline constexpr std::size_t cascade_rounds_max = 20'000;

struct ParityQuestion {
  std::uint8_t pass = 0;
  LaneRange range;
};

/// The reference side: answers.
class CascadeReference {
 public:
  CascadeReference(std::span<const std::uint64_t> words, std::uint64_t seed);
  /// The parities of all blocks of the next pass, lane by lane; empty when `block_words` is 0 or all passes were made.
  [[nodiscard]] std::vector<bool> begin_pass(std::uint32_t block_words);
  /// Nothing for a range outside the block or a pass that was not begun.
  [[nodiscard]] std::optional<bool> answer(const ParityQuestion& question) const;

 private:
  std::span<const std::uint64_t> words_;
  std::uint64_t seed_;
  std::vector<crypto::SecretVector<std::uint64_t>> prefixes_;
};

/// The side that corrects its bits.
class CascadeCorrector {
 public:
  /// `qber` is a guess: a wrong one costs efficiency, not correctness.
  CascadeCorrector(crypto::SecretBits& bits, std::uint64_t seed, double qber);

  /// What is to be asked next. Exactly one of the three: a pass to begin, questions, or done.
  struct Step {
    std::optional<std::uint32_t> pass_block_words;
    std::vector<ParityQuestion> questions;
    bool done = false;
    bool failed = false;  // too many rounds or corrections: the blocks are too different, or the answers are untrue
  };
  [[nodiscard]] Step next_step();
  /// False when the number of parities is not that of the blocks.
  [[nodiscard]] bool on_pass_parities(const std::vector<bool>& parities);
  /// Answers to the questions of the last step, in their order.
  [[nodiscard]] bool on_answers(const std::vector<bool>& answers);

  [[nodiscard]] const std::vector<std::size_t>& corrected() const { return corrected_; }
  [[nodiscard]] std::size_t rounds() const { return rounds_; }

 private:
  struct Pass {
    LaneOrder order;
    crypto::SecretVector<std::uint64_t> prefix;
    std::uint32_t block_words;
    std::map<LaneRange, bool> known;                // Alice's parities of parts of blocks
    std::vector<std::vector<std::uint32_t>> flips;  // of each block: words (of its lane) that were corrected
    std::vector<bool> odd;                          // blocks that differ now
    std::vector<std::uint32_t> odd_list;            // candidates; may hold even ones
  };
  [[nodiscard]] std::uint32_t blocks_per_lane(const Pass& pass) const;
  [[nodiscard]] LaneRange block_range(const Pass& pass, std::uint32_t block) const;
  [[nodiscard]] bool own_parity(const Pass& pass, std::uint32_t block, const LaneRange& range) const;
  std::optional<LaneRange> descend(std::uint8_t pass_index, std::uint32_t block);
  void correct(std::size_t bit);
  void mark(Pass& pass, std::uint32_t block);

  crypto::SecretBits& bits_;
  std::uint64_t seed_;
  std::uint32_t words_;
  std::vector<std::uint32_t> plan_;  // block lengths of the passes
  std::vector<Pass> passes_;
  std::vector<ParityQuestion> asked_;
  std::vector<std::size_t> corrected_;
  std::size_t rounds_ = 0;
};

}  // namespace cloister::distill
