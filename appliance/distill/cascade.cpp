#include "appliance/distill/cascade.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace cloister::distill {
namespace {

constexpr std::uint32_t lanes = 64;
constexpr std::uint32_t largest_early_block = 4096;
constexpr std::size_t corrections_spare = 64;

LaneOrder order_of_pass(std::size_t words, std::uint64_t seed, std::size_t pass) {
  return {words, seed + pass, pass == 0};
}

/// Block lengths that measured well on independent errors: about 1/Q, eight times that, 4096, then whole lanes.
std::vector<std::uint32_t> plan_of(double qber, std::uint32_t words) {
  const double inverse = 1 / std::clamp(qber, 1e-4, 0.25);
  const std::uint32_t first = std::bit_floor(static_cast<std::uint32_t>(inverse));
  std::vector<std::uint32_t> plan{std::min(first, largest_early_block), std::min(8 * first, largest_early_block),
                                  largest_early_block};
  plan.resize(cascade_passes, words);
  for (auto& length : plan) length = std::min(length, words);
  return plan;
}

}  // namespace

CascadeReference::CascadeReference(std::span<const std::uint64_t> words, std::uint64_t seed)
    : words_{words}, seed_{seed} {}

std::vector<bool> CascadeReference::begin_pass(std::uint32_t block_words) {
  if (block_words == 0 || prefixes_.size() == cascade_passes) return {};
  auto& prefix = prefixes_.emplace_back(words_.size() + 1);
  order_of_pass(words_.size(), seed_, prefixes_.size() - 1).prefixes(words_, prefix);
  std::vector<bool> parities;
  const auto words = static_cast<std::uint32_t>(words_.size());
  for (std::uint8_t lane = 0; lane < lanes; ++lane) {
    for (std::uint32_t first = 0; first < words; first += std::min(block_words, words - first)) {
      parities.push_back(parity(prefix, {lane, first, first + std::min(block_words, words - first)}));
    }
  }
  return parities;
}

std::optional<bool> CascadeReference::answer(const ParityQuestion& question) const {
  const auto& range = question.range;
  if (question.pass >= prefixes_.size() || range.lane >= lanes || range.first >= range.last ||
      range.last > words_.size())
    return std::nullopt;
  return parity(prefixes_[question.pass], range);
}

CascadeCorrector::CascadeCorrector(crypto::SecretBits& bits, std::uint64_t seed, double qber)
    : bits_{bits},
      seed_{seed},
      words_{static_cast<std::uint32_t>(bits.expose().size())},
      plan_{plan_of(qber, words_)} {}

std::uint32_t CascadeCorrector::blocks_per_lane(const Pass& pass) const {
  return (words_ + pass.block_words - 1) / pass.block_words;
}

LaneRange CascadeCorrector::block_range(const Pass& pass, std::uint32_t block) const {
  const std::uint32_t per_lane = blocks_per_lane(pass);
  const std::uint32_t first = block % per_lane * pass.block_words;
  return {static_cast<std::uint8_t>(block / per_lane), first, std::min(first + pass.block_words, words_)};
}

/// The prefixes are of the bits before any correction; corrections are few and are counted.
bool CascadeCorrector::own_parity(const Pass& pass, std::uint32_t block, const LaneRange& range) const {
  bool odd = parity(pass.prefix, range);
  for (const std::uint32_t word : pass.flips[block]) odd ^= word >= range.first && word < range.last;
  return odd;
}

void CascadeCorrector::mark(Pass& pass, std::uint32_t block) {
  pass.odd[block] = !pass.odd[block];
  if (pass.odd[block]) pass.odd_list.push_back(block);
}

void CascadeCorrector::correct(std::size_t bit) {
  bits_.flip(bit);
  corrected_.push_back(bit);
  for (auto& pass : passes_) {
    const auto position = pass.order.position_of(bit);
    const std::uint32_t block = position.lane * blocks_per_lane(pass) + position.word / pass.block_words;
    auto& flips = pass.flips[block];
    // A bit that is flipped back leaves the list.
    if (const auto again = std::ranges::find(flips, position.word); again != flips.end())
      flips.erase(again);
    else
      flips.push_back(position.word);
    mark(pass, block);
  }
}

/// Follows an odd block down to the first part whose parity Alice has not told, and returns it; corrects the bit where
/// all is known.
std::optional<LaneRange> CascadeCorrector::descend(std::uint8_t pass_index, std::uint32_t block) {
  Pass& pass = passes_[pass_index];
  LaneRange range = block_range(pass, block);
  while (range.last - range.first > 1) {
    const std::uint32_t middle = range.first + std::bit_ceil(range.last - range.first) / 2;
    const LaneRange left{range.lane, range.first, middle};
    const auto known = pass.known.find(left);
    if (known == pass.known.end()) return left;
    const bool left_odd = known->second != own_parity(pass, block, left);
    range = left_odd ? left : LaneRange{range.lane, middle, range.last};
  }
  correct(pass.order.bit_at({range.lane, range.first}));
  return std::nullopt;
}

CascadeCorrector::Step CascadeCorrector::next_step() {
  Step step;
  asked_.clear();
  if (++rounds_ > cascade_rounds_max) {
    step.failed = true;
    return step;
  }
  // Corrections make other blocks odd, of earlier passes too: look until nothing but open questions is left.
  for (bool moved = true; moved;) {
    moved = false;
    for (std::uint8_t p = 0; p < passes_.size(); ++p) {
      std::vector<std::uint32_t> candidates;
      std::swap(candidates, passes_[p].odd_list);
      for (const std::uint32_t block : candidates) {
        if (!passes_[p].odd[block]) continue;
        // Parities that contradict each other, from a peer that errs or lies, would have bits flipped to and fro for
        // ever.
        if (corrected_.size() > bits_.size_bits() / 2 + corrections_spare) {
          step.failed = true;
          return step;
        }
        const auto unknown = descend(p, block);
        if (!unknown) {
          moved = true;
          continue;
        }
        asked_.push_back({p, *unknown});
        passes_[p].odd_list.push_back(block);
      }
    }
    if (moved) asked_.clear();
  }
  std::ranges::sort(asked_, {},
                    [](const ParityQuestion& question) { return std::pair{question.pass, question.range}; });
  const auto repeated = std::ranges::unique(
      asked_, {}, [](const ParityQuestion& question) { return std::pair{question.pass, question.range}; });
  asked_.erase(repeated.begin(), repeated.end());
  if (!asked_.empty()) {
    step.questions = asked_;
    return step;
  }
  if (passes_.size() == cascade_passes) {
    step.done = true;
    return step;
  }
  step.pass_block_words = plan_[passes_.size()];
  return step;
}

bool CascadeCorrector::on_pass_parities(const std::vector<bool>& parities) {
  const std::size_t index = passes_.size();
  Pass pass{order_of_pass(words_, seed_, index),
            crypto::SecretVector<std::uint64_t>(words_ + 1),
            plan_[index],
            {},
            {},
            {},
            {}};
  pass.order.prefixes(bits_.expose(), pass.prefix);
  const std::size_t blocks = std::size_t{lanes} * blocks_per_lane(pass);
  if (parities.size() != blocks) return false;
  pass.flips.resize(blocks);
  pass.odd.resize(blocks);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    if (own_parity(pass, block, block_range(pass, block)) != parities[block]) mark(pass, block);
  }
  passes_.push_back(std::move(pass));
  return true;
}

bool CascadeCorrector::on_answers(const std::vector<bool>& answers) {
  if (answers.size() != asked_.size()) return false;
  for (std::size_t i = 0; i < answers.size(); ++i) passes_[asked_[i].pass].known.emplace(asked_[i].range, answers[i]);
  return true;
}

}  // namespace cloister::distill
