#include "appliance/distill/cascade.hpp"

#include <algorithm>
#include <numeric>

namespace cloister::distill {
namespace {

/// 2^18 bits: the tables of all passes then fit a core's second cache, and the parities of whole lanes cost little.
constexpr std::size_t frame_words_least = 4096;

}  // namespace

FrameCut::FrameCut(std::size_t words, std::uint64_t seed) {
  const std::size_t frames = std::max(1UZ, words / frame_words_least);
  frame_words = static_cast<std::uint32_t>((words + frames - 1) / frames);
  PublicSequence sequence{seed};
  for (std::size_t frame = 0; frame < frames; ++frame) seeds.push_back(sequence.next());
}

CascadeReference::CascadeReference(std::span<const std::uint64_t> words, std::uint64_t seed)
    : cut_{words.size(), seed} {
  for (const auto frame_seed : cut_.seeds) {
    const auto own = words.first(std::min<std::size_t>(cut_.frame_words, words.size()));
    frames_.emplace_back(own, frame_seed);
    words = words.subspan(own.size());
  }
}

BitString CascadeReference::begin_pass(std::uint32_t block_words) {
  BitString parities;
  if (block_words > cut_.frame_words) return parities;
  for (auto& frame : frames_) parities.append(frame.begin_pass(block_words));
  return parities;
}

std::optional<BitString> CascadeReference::answer(std::span<const ParityQuestion> questions) {
  BitString answers{questions.size()};
  const auto words = answers.fill();
  std::size_t frame = 0;  // questions come frame by frame
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& [pass, range] = questions[i];
    if (range.first - begin >= cut_.frame_words) {
      frame = range.first / cut_.frame_words;
      if (frame >= frames_.size()) return std::nullopt;
      begin = static_cast<std::uint32_t>(frame) * cut_.frame_words;
    }
    if (range.last <= range.first) return std::nullopt;
    const auto odd = frames_[frame].answer({pass, {range.lane, range.first - begin, range.last - begin}});
    if (!odd) return std::nullopt;
    words[i / 64] |= std::uint64_t{*odd} << (i % 64);
  }
  return answers;
}

CascadeCorrector::CascadeCorrector(crypto::SecretBits& bits, std::uint64_t seed, double qber)
    : cut_{bits.expose().size(), seed}, plan_{cascade_plan(qber, cut_.frame_words)} {
  std::span<std::uint64_t> words = bits.fill();
  for (const auto frame_seed : cut_.seeds) {
    const auto own = words.first(std::min<std::size_t>(cut_.frame_words, words.size()));
    frames_.emplace_back(own, frame_seed, plan_);
    words = words.subspan(own.size());
  }
}

CascadeCorrector::Step CascadeCorrector::next_step() {
  Step step;
  ++rounds_;
  asked_.clear();
  std::vector<std::size_t> still_busy;
  for (const std::size_t frame : busy_) {
    const std::size_t before = step.questions.size();
    if (before + frame_questions_max > cascade_questions_max) {
      still_busy.push_back(frame);  // in the next round
      continue;
    }
    step.failed = !frames_[frame].ask(step.questions, static_cast<std::uint32_t>(frame) * cut_.frame_words);
    if (step.failed) return step;
    if (step.questions.size() == before) continue;
    asked_.push_back({frame, before});
    still_busy.push_back(frame);
  }
  // Who waited is served first.
  std::ranges::rotate(still_busy, still_busy.begin() + static_cast<std::ptrdiff_t>(asked_.size()));
  busy_ = std::move(still_busy);
  questions_ = step.questions.size();
  if (questions_ > 0) return step;
  step.done = passes_ == plan_.size();
  if (!step.done) step.pass_block_words = plan_[passes_];
  return step;
}

bool CascadeCorrector::on_pass_parities(const BitString& parities) {
  std::size_t expected = 0;
  for (const auto& frame : frames_) expected += frame.pass_parity_words();
  if (parities.size() != 64 * expected) return false;
  auto left = parities.words();
  for (auto& frame : frames_) {
    const auto own = left.first(frame.pass_parity_words());
    frame.on_pass_parities(own);
    left = left.subspan(own.size());
  }
  ++passes_;
  busy_.resize(frames_.size());
  std::iota(busy_.begin(), busy_.end(), 0UZ);
  return true;
}

bool CascadeCorrector::on_answers(const BitString& answers) {
  if (answers.size() != questions_) return false;
  for (const auto& [frame, first] : asked_) frames_[frame].on_answers(answers, first);
  return true;
}

std::size_t CascadeCorrector::corrections() const {
  std::size_t all = 0;
  for (const auto& frame : frames_) all += frame.corrected().size();
  return all;
}

std::vector<std::size_t> CascadeCorrector::corrected() const {
  std::vector<std::size_t> bits;
  bits.reserve(corrections());
  for (std::size_t frame = 0; frame < frames_.size(); ++frame) {
    for (const std::size_t bit : frames_[frame].corrected()) bits.push_back(64 * frame * cut_.frame_words + bit);
  }
  return bits;
}

}  // namespace cloister::distill
