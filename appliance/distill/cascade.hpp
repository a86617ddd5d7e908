#pragma once
/// Reconciliation of a block by Cascade: its frames side by side, in the same rounds.
///
///   block:  │ frame 0 │ frame 1 │ … │            of about 2^18 bits each, equally long but for the last
///   ASK     what every frame asks in this round, one after the other ─▶
///   PASS    once no frame has anything left to ask: the next pass of all of them ─▶
///
/// A round trip serves all frames of a block, and what a frame works on stays in a core's cache. Both boxes cut a block
/// alike, by its length. A range is named by its words in the block, so a question also names its frame; one that
/// reaches over a frame's end is refused. cascade_frame.hpp has what happens inside of one.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "appliance/distill/bit_string.hpp"
#include "appliance/distill/cascade_frame.hpp"
#include "crypto/bits.hpp"

namespace cloister::distill {

/// Questions of one round of a block, at most; frames that find no room wait for the next.
inline constexpr std::size_t cascade_questions_max = std::size_t{1} << 20U;
static_assert(cascade_questions_max >= frame_questions_max);

/// How a block is cut: the frames' seeds follow from its own.
struct FrameCut {
  std::uint32_t frame_words = 0;
  std::vector<std::uint64_t> seeds;  // one for each frame
  FrameCut(std::size_t words, std::uint64_t seed);
};

/// The reference side: answers.
class CascadeReference {
 public:
  CascadeReference(std::span<const std::uint64_t> words, std::uint64_t seed);
  /// The parities of all blocks of the next pass, frame by frame, 64 lanes of each; empty when `block_words` is 0 or
  /// longer than a frame, or all passes were made.
  [[nodiscard]] BitString begin_pass(std::uint32_t block_words);
  /// Nothing where one is of a range outside its frame or of a pass that was not begun.
  [[nodiscard]] std::optional<BitString> answer(std::span<const ParityQuestion> questions);

 private:
  FrameCut cut_;
  std::vector<FrameReference> frames_;
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
    bool failed = false;  // a frame did: the blocks are too different, or the answers are untrue
  };
  [[nodiscard]] Step next_step();
  /// False when the number of parities is not that of the blocks.
  [[nodiscard]] bool on_pass_parities(const BitString& parities);
  /// Answers to the questions of the last step, in their order.
  [[nodiscard]] bool on_answers(const BitString& answers);

  /// Bits of the block, each as often as it was flipped.
  [[nodiscard]] std::vector<std::size_t> corrected() const;
  [[nodiscard]] std::size_t corrections() const;
  [[nodiscard]] std::size_t rounds() const { return rounds_; }

 private:
  FrameCut cut_;
  std::vector<std::uint32_t> plan_;
  std::vector<FrameCorrector> frames_;
  /// A frame that asked in this round, and how many questions stand before its own.
  struct Asked {
    std::size_t frame = 0;
    std::size_t first = 0;
  };
  std::vector<Asked> asked_;
  std::vector<std::size_t> busy_;  // frames whose pass is not done
  std::size_t questions_ = 0;      // of this round
  std::size_t passes_ = 0;
  std::size_t rounds_ = 0;
};

}  // namespace cloister::distill
