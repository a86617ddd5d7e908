#include "appliance/session/block_book.hpp"

#include <algorithm>

namespace cloister::session {

OpenBlock* BlockBook::find(wire::BlockId block) {
  const auto found = open_.find(block);
  return found == open_.end() ? nullptr : &found->second;
}

OpenBlock* BlockBook::open(wire::BlockId block, OpenBlock begun) {
  if (open_.size() >= open_max || block < next_) return nullptr;
  next_ = {block.value + 1};
  return &open_.emplace(block, std::move(begun)).first->second;
}

void BlockBook::abandon(wire::BlockId block) {
  open_.erase(block);
  next_ = std::max(next_, wire::BlockId{block.value + 1});
  abandoned_.insert(block);
  if (abandoned_.size() > abandoned_kept) abandoned_.erase(abandoned_.begin());
}

bool BlockBook::any_under_bootstrap() const {
  return std::ranges::any_of(open_, [](const auto& entry) { return !entry.second.by_qkd; });
}

std::size_t BlockBook::promised_pads() const {
  return static_cast<std::size_t>(std::ranges::count_if(open_, [](const auto& entry) {
    const OpenBlock& open = entry.second;
    return open.own_note && open.own_pays && !open.tag_sent;
  }));
}

std::vector<wire::BlockId> BlockBook::clear() {
  std::vector<wire::BlockId> unfinished;
  for (const auto& [block, state] : open_) unfinished.push_back(block);
  open_.clear();
  abandoned_.clear();
  return unfinished;
}

}  // namespace cloister::session
