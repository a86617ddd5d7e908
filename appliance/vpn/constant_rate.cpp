#include "appliance/vpn/constant_rate.hpp"

#include <algorithm>
#include <utility>

#include "appliance/vpn/aggregate.hpp"
#include "appliance/vpn/ip_header.hpp"
#include "crypto/error.hpp"

namespace cloister::vpn {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::size_t segments_of_a_frame = 64;

/// How many slots are in `SendSlots::late_max`, or one.
std::uint64_t slots_late_max(std::uint32_t per_second) {
  return std::max<std::uint64_t>(1, per_second * std::uint64_t{SendSlots::late_max.count()} / 1000);
}

}  // namespace

SendSlots::SendSlots(std::uint32_t per_second) : per_second_{per_second} {
  require(per_second > 0, "a constant rate is not zero");
}

std::uint64_t SendSlots::slots_until(Instant now) const {
  const auto elapsed = now - *began_;
  const auto whole = std::chrono::floor<seconds>(elapsed);
  const auto rest = static_cast<std::uint64_t>(nanoseconds{elapsed - whole}.count());
  return static_cast<std::uint64_t>(whole.count()) * per_second_ + rest * per_second_ / nanoseconds_per_second;
}

SendSlots::Due SendSlots::take(Instant now) {
  if (!began_) began_ = now;
  const std::uint64_t open = slots_until(now) - taken_;
  taken_ += open;
  const std::uint64_t used = std::min(open, slots_late_max(per_second_));
  return {.now = used, .missed = open - used};
}

SendSlots::Instant SendSlots::next() const {
  require(began_.has_value(), "slots are counted from a beginning");
  const std::uint64_t slot = taken_ + 1;
  const std::uint64_t rest = slot % per_second_ * nanoseconds_per_second;
  const auto due = *began_ + seconds{slot / per_second_} + nanoseconds{(rest + per_second_ - 1) / per_second_};
  return std::chrono::ceil<std::chrono::milliseconds>(due);
}

WaitingPackets::WaitingPackets(std::uint32_t per_second, std::size_t packet_bytes_max)
    : packet_bytes_max_{packet_bytes_max},
      memory_(std::max<std::size_t>(slots_late_max(per_second), segments_of_a_frame) * packet_bytes_max),
      bytes_(memory_.size() / packet_bytes_max) {}

std::span<std::byte> WaitingPackets::place(std::size_t index) {
  return std::span{memory_}.subspan(index * packet_bytes_max_, packet_bytes_max_);
}

std::span<std::byte> WaitingPackets::room(std::size_t bytes) {
  require(bytes <= packet_bytes_max_, "a packet is longer than a slot of its tunnel takes");
  if (count_ == bytes_.size()) return {};
  return place((first_ + count_) % bytes_.size()).first(bytes);
}

bool WaitingPackets::commit(std::size_t bytes) {
  const std::size_t at = (first_ + count_) % bytes_.size();
  if (ip_bytes_said(place(at).first(bytes)) != bytes) return false;
  bytes_[at] = bytes;
  ++count_;
  return true;
}

std::span<const std::byte> WaitingPackets::front() { return place(first_).first(bytes_[first_]); }

void WaitingPackets::pop() {
  first_ = (first_ + 1) % bytes_.size();
  --count_;
}

WaitingPackets::Filled WaitingPackets::fill(std::span<std::byte> payload) {
  AggregateWriter out{payload};
  Filled filled;
  while (count_ > 0) {
    const auto packet = front();
    if (packet.size() > payload.size() - aggregate_header_bytes)
      ++filled.too_long;
    else if (out.add(packet))
      filled = {filled.packets + 1, filled.bytes + packet.size(), filled.too_long};
    else
      break;
    pop();
  }
  out.finish();
  return filled;
}

std::size_t WaitingPackets::clear() {
  first_ = 0;
  return std::exchange(count_, 0);
}

}  // namespace cloister::vpn
