#include "appliance/distill/cascade_frame.hpp"

#include <algorithm>
#include <bit>
#include <ranges>

namespace cloister::distill {
namespace {

constexpr std::uint32_t lanes = 64;
constexpr std::size_t whole_lane_passes = 4;
static_assert(4 + whole_lane_passes <= cascade_passes_max);
constexpr std::uint32_t largest_early_block = 4096;
constexpr std::size_t corrections_spare = 64;

LaneOrder order_of_pass(std::size_t words, std::uint64_t seed, std::size_t pass) {
  return {words, seed + pass, pass == 0};
}

}  // namespace

/// Block lengths that measured well on independent errors: about 1/Q, eight times that, 4096, then whole lanes. Where
/// the first blocks hold nearly an error each, corrections would set each other off in chains of many rounds: there the
/// second blocks are half as long, and a pass lies between them and the long ones.
std::vector<std::uint32_t> cascade_plan(double qber, std::uint32_t words) {
  constexpr double crowded = 0.7;  // errors in a first block
  const double rate = std::clamp(qber, 1e-4, 0.25);
  const std::uint32_t first = std::min(std::bit_floor(static_cast<std::uint32_t>(1 / rate)), largest_early_block);
  std::vector<std::uint32_t> plan{first};
  for (const std::uint32_t factor : first* rate > crowded ? std::vector{4U, 32U} : std::vector{8U})
    plan.push_back(std::min(factor * first, largest_early_block));
  plan.push_back(largest_early_block);
  std::erase_if(plan, [&](std::uint32_t length) { return length >= words; });
  plan.resize(plan.size() + whole_lane_passes, words);
  return plan;
}

FrameReference::FrameReference(std::span<const std::uint64_t> words, std::uint64_t seed) : words_{words}, seed_{seed} {}

BitString FrameReference::begin_pass(std::uint32_t block_words) {
  const auto words = static_cast<std::uint32_t>(words_.size());
  if (block_words == 0 || prefixes_.size() == cascade_passes_max) return {};
  block_words = std::min(block_words, words);
  auto& prefix = prefixes_.emplace_back(words_.size() + 1);
  order_of_pass(words_.size(), seed_, prefixes_.size() - 1).prefixes(words_, prefix);
  const std::uint32_t blocks = (words + block_words - 1) / block_words;
  BitString parities{std::size_t{lanes} * blocks};
  for (std::uint32_t block = 0; block < blocks; ++block) {
    const std::uint32_t first = block * block_words;
    parities.fill()[block] = prefix[first] ^ prefix[first + std::min(block_words, words - first)];
  }
  return parities;
}

std::optional<bool> FrameReference::answer(const ParityQuestion& question) const {
  const auto& [pass, range] = question;
  if (pass >= prefixes_.size() || range.lane >= lanes || range.first >= range.last || range.last > words_.size())
    return std::nullopt;
  return parity(prefixes_[pass], range);
}

FrameCorrector::FrameCorrector(std::span<std::uint64_t> words, std::uint64_t seed, std::span<const std::uint32_t> plan)
    : bits_{words}, seed_{seed}, words_{static_cast<std::uint32_t>(words.size())}, plan_{plan} {}

std::uint32_t FrameCorrector::middle_of(const LaneRange& range) {
  return range.first + std::bit_ceil(range.last - range.first) / 2;
}

LaneRange FrameCorrector::block_range(const Pass& pass, std::uint8_t lane, std::uint32_t block) const {
  const std::uint32_t first = block * pass.block_words;
  return {lane, first, first + std::min(pass.block_words, words_ - first)};
}

void FrameCorrector::correct(std::size_t bit) {
  bits_[bit / 64] ^= std::uint64_t{1} << (bit % 64);
  corrected_.push_back(bit);
  for (std::size_t p = 0; p < passes_.size(); ++p) {
    Pass& pass = passes_[p];
    const auto position = pass.order.position_of(bit);
    const std::uint64_t lane = std::uint64_t{1} << position.lane;
    const std::uint32_t block = position.word >> pass.block_shift;
    LaneRange range = block_range(pass, position.lane, block);
    const LaneRange whole = range;
    while (range.last - range.first > 1) {
      const std::uint32_t middle = middle_of(range);
      if (position.word < middle) {
        pass.difference[middle] ^= lane;
        range.last = middle;
      } else {
        range.first = middle;
      }
    }
    // Whatever was being asked about this block is asked no more: its errors are others now.
    pass.waiting[block] &= ~lane;
    pass.odd[block] ^= lane;
    if ((pass.odd[block] & lane) != 0) turned_odd_.push_back({static_cast<std::uint8_t>(p), whole});
  }
}

/// Follows the odd part down to the first left part whose parity Alice has not told, and asks for it; corrects the bit
/// where all is known.
void FrameCorrector::search(Search search) {
  Pass& pass = passes_[search.pass];
  LaneRange& range = search.range;
  while (range.last - range.first > 1) {
    const std::uint32_t middle = middle_of(range);
    if (((pass.known[middle] >> range.lane) & 1U) == 0) {
      pass.waiting[range.first >> pass.block_shift] |= std::uint64_t{1} << range.lane;
      asked_.push_back(search);
      return;
    }
    const bool left_odd = ((pass.difference[middle] >> range.lane) & 1U) != 0;
    (left_odd ? range.last : range.first) = middle;
  }
  correct(pass.order.bit_at({range.lane, range.first}));
}

/// Searches that were asked for and answered go on from where they stood, unless a correction overtook them.
void FrameCorrector::follow_answers() {
  std::vector<Search> answered;
  std::swap(answered, asked_);
  for (const auto& search_on : answered) {
    Pass& pass = passes_[search_on.pass];
    const std::uint64_t lane = std::uint64_t{1} << search_on.range.lane;
    std::uint64_t& waiting = pass.waiting[search_on.range.first >> pass.block_shift];
    if ((waiting & lane) == 0) continue;
    waiting &= ~lane;
    search(search_on);
  }
}

/// False when there are more corrections than errors can be: parities that contradict each other, from a peer that errs
/// or lies, would have bits flipped to and fro for ever.
bool FrameCorrector::search_odd_blocks() {
  while (!turned_odd_.empty() && asked_.size() < frame_questions_max) {
    const Search whole = turned_odd_.back();
    turned_odd_.pop_back();
    const Pass& pass = passes_[whole.pass];
    const std::uint32_t block = whole.range.first >> pass.block_shift;
    if ((((pass.odd[block] & ~pass.waiting[block]) >> whole.range.lane) & 1U) == 0) continue;
    if (corrected_.size() > lanes * bits_.size() / 2 + corrections_spare) return false;
    search(whole);
  }
  return true;
}

/// Of the searches of one block the last one holds, if it waits still; the others are dropped.
void FrameCorrector::forget_overtaken() {
  std::vector<Search> kept;
  kept.reserve(asked_.size());
  for (const auto& search : asked_ | std::views::reverse) {
    Pass& pass = passes_[search.pass];
    const std::uint64_t lane = std::uint64_t{1} << search.range.lane;
    std::uint64_t& waiting = pass.waiting[search.range.first >> pass.block_shift];
    if ((waiting & lane) != 0) kept.push_back(search);
    waiting &= ~lane;
  }
  for (const auto& search : kept) {
    Pass& pass = passes_[search.pass];
    pass.waiting[search.range.first >> pass.block_shift] |= std::uint64_t{1} << search.range.lane;
  }
  asked_ = std::move(kept);
}

bool FrameCorrector::ask(std::vector<ParityQuestion>& questions) {
  if (++rounds_ > cascade_rounds_max) return false;
  follow_answers();
  do {
    if (!search_odd_blocks()) return false;
    forget_overtaken();
  } while (asked_.empty() && !turned_odd_.empty());
  for (const auto& [pass, range] : asked_) questions.push_back({pass, {range.lane, range.first, middle_of(range)}});
  return true;
}

std::size_t FrameCorrector::pass_parity_words() const {
  const std::uint32_t block_words = std::min(plan_[passes_.size()], words_);
  return (words_ + block_words - 1) / block_words;
}

void FrameCorrector::on_pass_parities(std::span<const std::uint64_t> parities) {
  const auto index = static_cast<std::uint8_t>(passes_.size());
  const std::uint32_t block_words = std::min(plan_[index], words_);
  const auto blocks = static_cast<std::uint32_t>(parities.size());
  Pass pass{.order = order_of_pass(words_, seed_, index),
            .block_words = block_words,
            .block_shift = static_cast<unsigned>(std::countr_zero(std::bit_ceil(block_words))),
            .difference = crypto::SecretVector<std::uint64_t>(words_),
            .known = std::vector<std::uint64_t>(words_),
            .odd = std::vector<std::uint64_t>(blocks),
            .waiting = std::vector<std::uint64_t>(blocks)};
  crypto::SecretVector<std::uint64_t> prefix(words_ + 1);
  pass.order.prefixes(bits_, prefix);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    const auto [_, first, last] = block_range(pass, 0, block);
    for (std::uint32_t word = first + 1; word < last; ++word)
      pass.difference[word] = prefix[word] ^ prefix[word - ((word - first) & (first - word))];
    pass.odd[block] = prefix[first] ^ prefix[last] ^ parities[block];
    for (std::uint64_t left = pass.odd[block]; left != 0; left &= left - 1) {
      const auto lane = static_cast<std::uint8_t>(std::countr_zero(left));
      turned_odd_.push_back({index, block_range(pass, lane, block)});
    }
  }
  passes_.push_back(std::move(pass));
}

void FrameCorrector::on_answers(const BitString& answers, std::size_t first) {
  for (const auto& [index, range] : asked_) {
    const std::uint32_t middle = middle_of(range);
    passes_[index].difference[middle] ^= std::uint64_t{answers.get(first++)} << range.lane;
    passes_[index].known[middle] |= std::uint64_t{1} << range.lane;
  }
}

}  // namespace cloister::distill
