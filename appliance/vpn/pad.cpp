#include "appliance/vpn/pad.hpp"

#include <algorithm>

#include "crypto/error.hpp"

namespace cloister::vpn {

Pad::Pad(std::size_t units_max) : units_max_{units_max}, ring_(units_max * pad_unit_bytes), there_(units_max) {}

std::span<std::byte> Pad::slot(std::uint64_t unit) {
  return std::span{ring_}.subspan(unit % units_max_ * pad_unit_bytes, pad_unit_bytes);
}
std::span<const std::byte> Pad::slot(std::uint64_t unit) const {
  return std::span{ring_}.subspan(unit % units_max_ * pad_unit_bytes, pad_unit_bytes);
}

void Pad::add(std::span<const std::byte> bits) {
  require(bits.size() % pad_unit_bytes == 0, "a pad that is no whole number of units");
  const std::uint64_t units = bits.size() / pad_unit_bytes;
  require(units <= units_max_, "more pad at once than there is room for");
  if (end_ + units > units_max_) burn_before(end_ + units - units_max_);
  for (; !bits.empty(); bits = bits.subspan(pad_unit_bytes)) {
    std::ranges::copy(bits.first(pad_unit_bytes), slot(end_).begin());
    there_[end_ % units_max_] = true;
    ++end_;
  }
}

bool Pad::whole(std::uint64_t first, std::uint64_t units) const {
  if (first < begin_ || first > end_ || units > end_ - first) return false;
  for (std::uint64_t unit = first; unit < first + units; ++unit)
    if (!there_[unit % units_max_]) return false;
  return true;
}

void Pad::join(std::uint64_t first, std::span<std::byte> text) const {
  require(text.size() % pad_unit_bytes == 0 && whole(first, text.size() / pad_unit_bytes), "a pad that is not there");
  for (std::uint64_t unit = first; !text.empty(); ++unit, text = text.subspan(pad_unit_bytes)) {
    const auto pad = slot(unit);
    for (std::size_t i = 0; i < pad_unit_bytes; ++i) text[i] ^= pad[i];
  }
}

crypto::TagPad Pad::tag_pad(std::uint64_t unit) const {
  require(whole(unit, 1), "a pad that is not there");
  crypto::TagPad pad;
  std::ranges::copy(slot(unit), pad.fill().begin());
  return pad;
}

void Pad::burn(std::uint64_t first, std::uint64_t units) {
  for (std::uint64_t unit = first; unit < first + units; ++unit) {
    crypto::wipe(slot(unit));
    there_[unit % units_max_] = false;
  }
  while (begin_ < end_ && !there_[begin_ % units_max_]) ++begin_;
}

void Pad::burn_before(std::uint64_t unit) {
  const std::uint64_t to = std::min(unit, end_);
  if (to > begin_) burn(begin_, to - begin_);
}

void Pad::cut(std::uint64_t end) {
  if (end >= end_) return;
  const std::uint64_t from = std::max(end, begin_);
  burn(from, end_ - from);
  end_ = from;
  begin_ = std::min(begin_, end_);
}

}  // namespace cloister::vpn
