#include "appliance/vpn/fragmentation.hpp"

#include <algorithm>

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/checksum.hpp"
#include "appliance/vpn/ip_header.hpp"

namespace cloister::vpn {
namespace {

constexpr std::size_t unit_bytes = 8;     // in which offsets count
constexpr std::size_t mtu_min = 68;       // RFC 791: every way takes so much
constexpr unsigned option_copied = 0x80;  // the flag of options that go with each fragment
constexpr unsigned option_end = 0;
constexpr unsigned option_no_operation = 1;

/// Calls `take` with each option that goes with each fragment; one that contradicts itself ends them.
template <class Take>
void each_copied_option(std::span<const std::byte> options, Take take) {
  while (!options.empty()) {
    const auto kind = std::to_integer<unsigned>(options[0]);
    if (kind == option_end) return;
    std::size_t bytes = 1;
    if (kind != option_no_operation) {
      if (options.size() < 2) return;
      bytes = std::to_integer<std::size_t>(options[1]);
      if (bytes < 2 || bytes > options.size()) return;
    }
    if ((kind & option_copied) != 0) take(options.first(bytes));
    options = options.subspan(bytes);
  }
}

}  // namespace

std::optional<Fragments> Fragments::of(std::span<const std::byte> packet, std::size_t mtu) {
  if (packet.size() < ipv4_bytes || std::to_integer<unsigned>(packet[0]) >> 4U != 4 || mtu < mtu_min)
    return std::nullopt;
  const std::size_t header_bytes = 4 * (std::to_integer<std::size_t>(packet[0]) & 15U);
  if (header_bytes < ipv4_bytes || header_bytes >= packet.size()) return std::nullopt;
  const auto place = load_u16(packet.subspan(ipv4_fragment_at));
  if ((place & ipv4_dont_fragment) != 0) return std::nullopt;
  const std::size_t payload = packet.size() - header_bytes;
  // Offsets have 13 bits.
  if ((place & ipv4_fragment_offset) * unit_bytes + payload > 65'535) return std::nullopt;
  Fragments fragments{packet, header_bytes, (mtu - header_bytes) / unit_bytes * unit_bytes};
  fragments.count_ = (payload + fragments.payload_bytes_ - 1) / fragments.payload_bytes_;
  return fragments;
}

std::size_t Fragments::later_header_bytes() const {
  std::size_t options = 0;
  each_copied_option(packet_.subspan(ipv4_bytes, header_bytes_ - ipv4_bytes),
                     [&](std::span<const std::byte> option) { options += option.size(); });
  return ipv4_bytes + (options + 3) / 4 * 4;
}

std::size_t Fragments::bytes(std::size_t index) const {
  const std::size_t header = index == 0 ? header_bytes_ : later_header_bytes();
  const std::size_t left = packet_.size() - header_bytes_ - index * payload_bytes_;
  return header + std::min(left, payload_bytes_);
}

void Fragments::write(std::size_t index, std::span<std::byte> out) const {
  const std::size_t header_bytes = index == 0 ? header_bytes_ : later_header_bytes();
  const auto fragment = out.first(bytes(index));
  std::ranges::copy(packet_.first(index == 0 ? header_bytes_ : ipv4_bytes), fragment.begin());
  if (index > 0) {
    auto at = fragment.subspan(ipv4_bytes, header_bytes - ipv4_bytes);
    std::ranges::fill(at, std::byte{option_end});
    each_copied_option(packet_.subspan(ipv4_bytes, header_bytes_ - ipv4_bytes), [&](std::span<const std::byte> option) {
      std::ranges::copy(option, at.begin());
      at = at.subspan(option.size());
    });
    fragment[0] = static_cast<std::byte>(0x40U | header_bytes / 4);
  }
  const std::size_t payload_at = header_bytes_ + index * payload_bytes_;
  std::ranges::copy(packet_.subspan(payload_at, fragment.size() - header_bytes),
                    fragment.subspan(header_bytes).begin());

  store_u16(fragment.subspan(ipv4_length_at), fragment.size());
  const auto place = load_u16(packet_.subspan(ipv4_fragment_at));
  const bool more = index + 1 < count_ || (place & ipv4_more_fragments) != 0;
  const std::size_t offset = (place & ipv4_fragment_offset) + index * payload_bytes_ / unit_bytes;
  store_u16(fragment.subspan(ipv4_fragment_at), (more ? ipv4_more_fragments : 0U) | offset);
  const auto header = fragment.first(header_bytes);
  checksum_store(header.subspan(ipv4_checksum_at), 0);
  checksum_store(header.subspan(ipv4_checksum_at), static_cast<std::uint16_t>(~checksum_fold(checksum_add(0, header))));
}

}  // namespace cloister::vpn
