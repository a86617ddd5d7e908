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

LaneOrder order_of_pass(std::size_t words, std::uint32_t block_words, std::uint64_t seed, std::size_t pass) {
  const auto later = block_words == words ? WordOrder::rotated : WordOrder::shuffled_and_rotated;
  return {words, seed + pass, pass == 0 ? WordOrder::as_they_are : later};
}

std::uint32_t lowest_bit(std::uint32_t word) { return word & (0U - word); }

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
  auto& prefix = prefixes_.emplace_back();
  const auto order = order_of_pass(words_.size(), block_words, seed_, prefixes_.size() - 1);
  const std::uint32_t blocks = (words + block_words - 1) / block_words;
  BitString parities{std::size_t{lanes} * blocks};
  if (blocks == 1) {
    parities.fill()[0] = order.sum(words_, 0, words);
    return parities;
  }
  prefix.resize(words_.size() + 1);
  order.prefixes(words_, prefix);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    const std::uint32_t first = block * block_words;
    parities.fill()[block] = prefix[first] ^ prefix[first + std::min(block_words, words - first)];
  }
  return parities;
}

void FrameReference::tabulate_whole_lanes(std::size_t pass) {
  prefixes_[pass].resize(words_.size() + 1);
  order_of_pass(words_.size(), static_cast<std::uint32_t>(words_.size()), seed_, pass)
      .prefixes(words_, prefixes_[pass]);
}

FrameCorrector::FrameCorrector(std::span<std::uint64_t> words, std::uint64_t seed, std::span<const std::uint32_t> plan)
    : bits_{words}, seed_{seed}, words_{static_cast<std::uint32_t>(words.size())}, plan_{plan} {}

void FrameCorrector::correct(std::size_t bit) {
  bits_[bit / 64] ^= std::uint64_t{1} << (bit % 64);
  corrected_.push_back(bit);
  for (std::size_t p = 0; p < passes_.size(); ++p) {
    Pass& pass = passes_[p];
    const auto position = pass.order.position_of(bit);
    const std::uint64_t lane = std::uint64_t{1} << position.lane;
    const std::uint32_t block = position.word >> pass.block_shift;
    const std::uint32_t end = std::min((block + 1) * pass.block_words, words_);
    if (Node* const nodes = pass.nodes.data(); !pass.nodes.empty()) {
      for (std::uint32_t m = position.word + 1; m < end; m += lowest_bit(m)) nodes[m].difference ^= lane;
    }
    // Whatever was being asked about this block is asked no more: its errors are others now.
    overtaken_ |= (pass.waiting[block] & lane) != 0;
    pass.waiting[block] &= ~lane;
    pass.odd[block] ^= lane;
    if ((pass.odd[block] & lane) != 0) turned_odd_.push_back({static_cast<std::uint8_t>(p), position.lane, block});
  }
}

/// Follows the odd part down to the first left part whose parity Alice has not told, and asks for it; corrects the bit
/// where all is known.
void FrameCorrector::search(Search search) {
  Pass& pass = passes_[search.pass];
  const Node* const nodes = pass.nodes.data();
  for (std::uint32_t& middle = search.middle;;) {
    std::uint32_t size = lowest_bit(middle);  // of the left part
    bool left = true;
    if (middle < words_) {
      const Node node = nodes[middle];
      if (((node.known >> search.lane) & 1U) == 0) {
        pass.waiting[(middle - 1) >> pass.block_shift] |= std::uint64_t{1} << search.lane;
        asked_.push_back(search);
        return;
      }
      left = ((node.difference >> search.lane) & 1U) != 0;
    }  // else there is nothing to the right: the frame ends before
    if (size == 1) return correct(pass.order.bit_at({search.lane, left ? middle - 1 : middle}));
    size /= 2;
    middle = left ? middle - size : middle + size;
  }
}

/// Each left part is the sum of what it holds, as a Fenwick tree is built from the front.
void FrameCorrector::tabulate(Pass& pass) const {
  pass.nodes.resize(words_);
  for (std::uint32_t m = 1; m < words_; ++m) {
    const std::uint64_t part = pass.nodes[m].difference ^= pass.order.word(bits_, m - 1);
    if (const std::uint32_t larger = m + lowest_bit(m); larger < words_) pass.nodes[larger].difference ^= part;
  }
}

void FrameCorrector::search(const OddBlock& whole) {
  Pass& pass = passes_[whole.pass];
  const std::uint32_t first = whole.block << pass.block_shift;
  if (pass.block_words == 1 || words_ == 1) return correct(pass.order.bit_at({whole.lane, first}));
  if (pass.nodes.empty()) tabulate(pass);
  search(Search{whole.pass, whole.lane, first + (1U << pass.block_shift) / 2});
}

/// False when there are more corrections than errors can be: parities that contradict each other, from a peer that errs
/// or lies, would have bits flipped to and fro for ever.
bool FrameCorrector::search_odd_blocks() {
  while (!turned_odd_.empty() && asked_.size() < frame_questions_max) {
    const OddBlock whole = turned_odd_.back();
    turned_odd_.pop_back();
    const Pass& pass = passes_[whole.pass];
    if ((((pass.odd[whole.block] & ~pass.waiting[whole.block]) >> whole.lane) & 1U) == 0) continue;
    if (corrected_.size() > lanes * bits_.size() / 2 + corrections_spare) return false;
    search(whole);
  }
  return true;
}

/// Of the searches of one block the last one holds, if it waits still; the others are dropped.
void FrameCorrector::forget_overtaken() {
  if (!overtaken_) return;
  overtaken_ = false;
  const auto waiting = [this](const Search& search) -> std::uint64_t& {
    Pass& pass = passes_[search.pass];
    return pass.waiting[(search.middle - 1) >> pass.block_shift];
  };
  std::vector<Search> kept;
  kept.reserve(asked_.size());
  for (const auto& search : asked_ | std::views::reverse) {
    const std::uint64_t lane = std::uint64_t{1} << search.lane;
    std::uint64_t& lanes_waiting = waiting(search);
    if ((lanes_waiting & lane) != 0) kept.push_back(search);
    lanes_waiting &= ~lane;
  }
  for (const auto& search : kept) waiting(search) |= std::uint64_t{1} << search.lane;
  asked_ = std::move(kept);
}

bool FrameCorrector::ask(std::vector<ParityQuestion>& questions, std::uint32_t begin) {
  if (++rounds_ > cascade_rounds_max) return false;
  do {
    if (!search_odd_blocks()) return false;
    forget_overtaken();
  } while (asked_.empty() && !turned_odd_.empty());
  std::size_t at = questions.size();
  questions.resize(at + asked_.size());
  for (const auto& [pass, lane, middle] : asked_)
    questions[at++] = {pass, {lane, begin + middle - lowest_bit(middle), begin + middle}};
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
  Pass pass{.order = order_of_pass(words_, block_words, seed_, index),
            .block_words = block_words,
            .block_shift = static_cast<unsigned>(std::countr_zero(std::bit_ceil(block_words))),
            .nodes = {},
            .odd = std::vector<std::uint64_t>(blocks),
            .waiting = std::vector<std::uint64_t>(blocks)};
  for (std::uint32_t block = 0; block < blocks; ++block) {
    const std::uint32_t first = block * block_words;
    pass.odd[block] = pass.order.sum(bits_, first, std::min(first + block_words, words_)) ^ parities[block];
    for (std::uint64_t left = pass.odd[block]; left != 0; left &= left - 1)
      turned_odd_.push_back({index, static_cast<std::uint8_t>(std::countr_zero(left)), block});
  }
  passes_.push_back(std::move(pass));
}

/// Each search goes on from where it stood, unless a correction overtook it.
void FrameCorrector::on_answers(const BitString& answers, std::size_t first) {
  answered_.clear();
  std::swap(answered_, asked_);
  for (const auto& search_on : answered_) {
    const auto& [index, lane, middle] = search_on;
    Pass& pass = passes_[index];
    const std::uint64_t lane_bit = std::uint64_t{1} << lane;
    pass.nodes[middle].difference ^= std::uint64_t{answers.get(first++)} << lane;
    pass.nodes[middle].known |= lane_bit;
    std::uint64_t& waiting = pass.waiting[(middle - 1) >> pass.block_shift];
    if ((waiting & lane_bit) == 0) continue;
    waiting &= ~lane_bit;
    search(search_on);
  }
}

}  // namespace cloister::distill
