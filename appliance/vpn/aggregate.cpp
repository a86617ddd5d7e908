#include "appliance/vpn/aggregate.hpp"

#include <algorithm>
#include <utility>

#include "appliance/vpn/ip_header.hpp"
#include "crypto/error.hpp"

namespace cloister::vpn {
namespace {

constexpr std::byte not_congestion_controlled{0};  // the sub-type
constexpr std::size_t offset_at = 2;

}  // namespace

AggregateWriter::AggregateWriter(std::span<std::byte> payload) : rest_{payload} {
  require(payload.size() >= aggregate_header_bytes, "an aggregate has no room for its header");
  std::ranges::fill(payload.first(aggregate_header_bytes), std::byte{0});
  rest_ = payload.subspan(aggregate_header_bytes);
}

bool AggregateWriter::add(std::span<const std::byte> packet) {
  if (packet.size() > rest_.size()) return false;
  std::ranges::copy(packet, rest_.begin());
  rest_ = rest_.subspan(packet.size());
  return true;
}

void AggregateWriter::finish() { std::ranges::fill(rest_, std::byte{0}); }

AggregateReader::AggregateReader(std::span<const std::byte> payload) {
  malformed_ = payload.size() < aggregate_header_bytes || payload[0] != not_congestion_controlled ||
               load_u16(payload.subspan(offset_at)) != 0;
  if (!malformed_) rest_ = payload.subspan(aggregate_header_bytes);
}

std::optional<std::span<const std::byte>> AggregateReader::next() {
  if (rest_.empty()) return std::nullopt;
  if (std::to_integer<unsigned>(rest_[0]) >> 4U == 0) {  // the rest is padding
    rest_ = {};
    return std::nullopt;
  }
  const std::size_t said = ip_bytes_said(rest_);
  malformed_ = said < ipv4_bytes || said > rest_.size();
  if (malformed_) {
    rest_ = {};
    return std::nullopt;
  }
  const auto packet = rest_.first(said);
  rest_ = rest_.subspan(said);
  return packet;
}

}  // namespace cloister::vpn
