#pragma once
/// Reconciliation of one frame by Cascade (Brassard and Salvail 1994), Alice's bits being the reference.
///
///   Bob ── pass p: block length ──▶ Alice        Bob ◀── the parity of every block of pass p ──
///   Bob ── the left halves of all odd blocks ──▶ Alice        Bob ◀── their parities ──
///                                                     that is one round; until none is odd
///
/// All odd blocks of all passes so far are halved in the same round. A corrected bit makes blocks of other passes odd
/// or even: they join or leave. Parities that were answered once serve again. Up to four passes with growing
/// blocks are followed by four over whole lanes, which find what is left with probability 1 - 64^-4 for each pair of
/// errors. What Alice answers is counted as leakage, each bit of hers on the wire once; what Bob's questions tell, where
/// the two blocks differ, is dealt with in docs/security.md.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "appliance/distill/bit_string.hpp"
#include "appliance/distill/lanes.hpp"
#include "crypto/secret.hpp"

namespace cloister::distill {

inline constexpr std::size_t cascade_passes_max = 8;
/// A reconciliation that has not ended by then never will.
inline constexpr std::size_t cascade_rounds_max = 20'000;

/// Questions of one frame in one round, at most; what is odd beyond that waits for the next.
inline constexpr std::size_t frame_questions_max = std::size_t{1} << 17U;

struct ParityQuestion {
  std::uint8_t pass = 0;
  LaneRange range;
};

/// The reference side: answers.
class FrameReference {
 public:
  FrameReference(std::span<const std::uint64_t> words, std::uint64_t seed);
  /// The parities of all blocks of the next pass, 64 lanes of each; empty when `block_words` is 0 or all passes were
  /// made. No block is longer than the frame.
  [[nodiscard]] BitString begin_pass(std::uint32_t block_words);
  /// Nothing where the range is outside the frame or the pass was not begun.
  [[nodiscard]] std::optional<bool> answer(const ParityQuestion& question) {
    const auto& [pass, range] = question;
    if (pass >= prefixes_.size() || range.lane >= 64 || range.first >= range.last || range.last > words_.size())
      return std::nullopt;
    if (prefixes_[pass].empty()) tabulate_whole_lanes(pass);
    return parity(prefixes_[pass], range);
  }

 private:
  void tabulate_whole_lanes(std::size_t pass);

  std::span<const std::uint64_t> words_;
  std::uint64_t seed_;
  std::vector<crypto::SecretVector<std::uint64_t>> prefixes_;  // of a pass; empty until asked about, over whole lanes
};

/// The side that corrects its bits.
class FrameCorrector {
 public:
  /// `plan` is of all frames of a block alike; `words` outlive the corrector.
  FrameCorrector(std::span<std::uint64_t> words, std::uint64_t seed, std::span<const std::uint32_t> plan);

  /// Appends what is to be asked next, the frame's first word being word `begin` of the block: nothing when the pass is
  /// done, and the next may begin. False when there were too many rounds or corrections: the frames are too different,
  /// or the answers are untrue.
  [[nodiscard]] bool ask(std::vector<ParityQuestion>& questions, std::uint32_t begin);
  /// How many words of parities the next pass brings.
  [[nodiscard]] std::size_t pass_parity_words() const;
  void on_pass_parities(std::span<const std::uint64_t> parities);
  /// Answers to the questions of the last round, in their order, from bit `first` on.
  void on_answers(const BitString& answers, std::size_t first);

  /// Bits of the frame, each as often as it was flipped.
  [[nodiscard]] const std::vector<std::size_t>& corrected() const { return corrected_; }

 private:
  /// A block is halved as a Fenwick tree is: the left part that ends before word m, counted from the block's start, has
  /// as many words as the lowest bit of m says. So each left part of a pass is named by where it ends, and one node at
  /// that place serves all 64 lanes. Blocks of more than one to a lane have a power of two of words: there m may as well
  /// be counted from the frame's start.
  struct Node {
    std::uint64_t difference = 0;  // Bob's parity now, and Alice's where known
    std::uint64_t known = 0;       // lanes in which Alice's parity is in `difference`
  };
  struct Pass {
    LaneOrder order;
    std::uint32_t block_words;
    unsigned block_shift;                // word >> block_shift is its block
    crypto::SecretVector<Node> nodes;    // empty until the first search: most passes over whole lanes find nothing
    std::vector<std::uint64_t> odd;      // of each block: lanes in which it differs now
    std::vector<std::uint64_t> waiting;  // of each block: lanes in which it waits for an answer
  };
  /// A part of one lane that holds an odd number of errors, named by where its left part ends.
  struct Search {
    std::uint8_t pass = 0;
    std::uint8_t lane = 0;
    std::uint32_t middle = 0;
  };
  struct OddBlock {
    std::uint8_t pass = 0;
    std::uint8_t lane = 0;
    std::uint32_t block = 0;
  };
  void tabulate(Pass& pass) const;
  void search(Search search);
  void search(const OddBlock& whole);
  void correct(std::size_t bit);
  [[nodiscard]] bool search_odd_blocks();
  void forget_overtaken();

  std::span<std::uint64_t> bits_;
  std::uint64_t seed_;
  std::uint32_t words_;
  std::span<const std::uint32_t> plan_;  // block lengths of the passes
  std::vector<Pass> passes_;
  std::vector<Search> asked_;  // each waits for the parity of its left part
  std::vector<Search> answered_;
  std::vector<OddBlock> turned_odd_;  // may hold some that are even again
  bool overtaken_ = false;            // of `asked_`, some may have been
  std::vector<std::size_t> corrected_;
  std::size_t rounds_ = 0;
};

/// Block lengths of the passes over frames of so many words.
[[nodiscard]] std::vector<std::uint32_t> cascade_plan(double qber, std::uint32_t words);

}  // namespace cloister::distill
