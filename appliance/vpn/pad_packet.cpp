#include "appliance/vpn/pad_packet.hpp"

#include <algorithm>
#include <cmath>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/ip_header.hpp"
#include "crypto/kdf.hpp"

namespace cloister::vpn {
using hooks::planted;
using hooks::PlantedBug;
namespace {

constexpr std::size_t header_bytes = 16;
constexpr std::size_t length_bytes = 2;
constexpr std::size_t tag_bytes = 16;
constexpr double per_block = 0x1p-128;

/// Zero: there is none so long.
std::size_t class_of(std::size_t packet_bytes) {
  const auto* const fits = std::ranges::lower_bound(pad_classes, packet_bytes + length_bytes);
  return fits == pad_classes.end() ? 0 : *fits;
}

/// Header, ciphertext, and a block with the ciphertext's length.
constexpr std::uint64_t hashed_blocks(std::size_t ciphertext_bytes) {
  return 1 + ciphertext_bytes / pad_unit_bytes + 1;
}

crypto::PolynomialHash hash_of(const crypto::HashKey& key, std::span<const std::byte> header_and_ciphertext) {
  crypto::PolynomialHash hash{key};
  hash.update(header_and_ciphertext);
  crypto::Block128 length{};
  store_u64(std::span{length}.subspan(8), header_and_ciphertext.size() - header_bytes);
  hash.update(length);
  return hash;
}

/// Constant time.
bool is_tag(const crypto::PolynomialHash& hash, std::span<const std::byte> pad, std::span<const std::byte> tag) {
  crypto::Block128 expected = hash.value();
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] ^= pad[i];
  const bool same = crypto::equal_constant_time(expected, tag);
  crypto::wipe(expected);
  return same;
}

}  // namespace

const char* to_string(PadError error) {
  switch (error) {
    case PadError::truncated:
      return "truncated";
    case PadError::unknown_sa:
      return "unknown SA";
    case PadError::replayed:
      return "replayed";
    case PadError::not_there_yet:
      return "under pad that was not agreed on";
    case PadError::authentication_failed:
      return "authentication failed";
    case PadError::malformed:
      return "malformed";
    case PadError::used_up:
      return "no pad is left";
  }
  return "";
}

std::size_t pad_datagram_bytes(std::size_t packet_bytes) {
  const std::size_t text = class_of(packet_bytes);
  return text == 0 ? 0 : header_bytes + text + tag_bytes;
}

std::uint64_t pad_units(std::size_t packet_bytes) {
  const std::size_t text = class_of(packet_bytes);
  return text == 0 ? 0 : 1 + text / pad_unit_bytes;
}

std::size_t pad_inner_mtu(std::size_t outer_mtu, bool outer_v6) {
  const std::size_t around = (outer_v6 ? ipv6_bytes : ipv4_bytes) + udp_bytes + header_bytes + tag_bytes;
  std::size_t longest = 0;
  for (const std::size_t text : pad_classes) {
    if (around + text <= outer_mtu) longest = text - length_bytes;
  }
  return longest;
}

double pad_epsilon_per_packet() { return static_cast<double>(hashed_blocks(pad_classes.back())) * per_block; }

std::optional<Spi> peek_pad_sa(std::span<const std::byte> datagram) {
  if (datagram.size() < header_bytes || load_u32(datagram) != pad_packet_type) return std::nullopt;
  return Spi{load_u32(datagram.subspan(4))};
}

OutboundPadSa::OutboundPadSa(Spi spi, crypto::HashKey key, std::size_t units_max)
    : spi_{spi}, key_{std::move(key)}, pad_{units_max} {}

std::expected<std::size_t, PadError> OutboundPadSa::seal(std::size_t packet_bytes, std::span<std::byte> room) {
  const std::size_t text_bytes = class_of(packet_bytes);
  if (text_bytes == 0 || room.size() < header_bytes + text_bytes + tag_bytes ||
      ip_bytes_said(room.subspan(pad_packet_at).first(packet_bytes)) != packet_bytes)
    return std::unexpected{PadError::malformed};
  const auto header = room.first(header_bytes);
  const auto text = room.subspan(header_bytes, text_bytes);
  store_u16(text, packet_bytes);
  std::ranges::fill(text.subspan(length_bytes + packet_bytes), std::byte{0});

  const std::scoped_lock lock{mutex_};
  const std::uint64_t units = 1 + text_bytes / pad_unit_bytes;
  const std::uint64_t at = pad_.begin();
  if (!pad_.whole(at, units)) return std::unexpected{PadError::used_up};
  store_u32(header, pad_packet_type);
  store_u32(header.subspan(4), spi_.value);
  store_u64(header.subspan(8), at);
  pad_.join(at + 1, text);
  auto tag_pad = pad_.tag_pad(at);
  for (std::uint64_t unit = at; unit < at + units; ++unit)
    hooks::saw_traffic_pad_used(unit == at ? hooks::PadUse::tag : hooks::PadUse::text, pad_.expose(unit));
  if (!planted(PlantedBug::traffic_pad_kept)) pad_.burn(at, units);
  used_ += units;
  const auto tag = crypto::seal_tag(hash_of(key_, room.first(header_bytes + text_bytes)), std::move(tag_pad));
  std::ranges::copy(tag, room.subspan(header_bytes + text_bytes).begin());
  return header_bytes + text_bytes + tag_bytes;
}

void OutboundPadSa::add(std::span<const std::byte> bits) {
  const std::scoped_lock lock{mutex_};
  pad_.add(bits);
}

void OutboundPadSa::burn() {
  const std::scoped_lock lock{mutex_};
  pad_.burn_before(pad_.end());
}

std::uint64_t OutboundPadSa::end() const {
  const std::scoped_lock lock{mutex_};
  return pad_.end();
}

std::uint64_t OutboundPadSa::left() const {
  const std::scoped_lock lock{mutex_};
  return pad_.end() - pad_.begin();
}

std::uint64_t OutboundPadSa::used() const {
  const std::scoped_lock lock{mutex_};
  return used_;
}

InboundPadSa::InboundPadSa(Spi spi, crypto::HashKey key, std::size_t units_max)
    : spi_{spi}, key_{std::move(key)}, pad_{units_max + window_units} {}

std::expected<InboundPadSa::Opened, PadError> InboundPadSa::open(std::span<const std::byte> datagram,
                                                                 std::span<std::byte> out) {
  if (datagram.size() < header_bytes + pad_classes.front() + tag_bytes || out.size() < datagram.size())
    return std::unexpected{PadError::truncated};
  if (peek_pad_sa(datagram) != spi_) return std::unexpected{PadError::unknown_sa};
  const auto sealed = datagram.subspan(header_bytes, datagram.size() - header_bytes - tag_bytes);
  if (!std::ranges::binary_search(pad_classes, sealed.size())) return std::unexpected{PadError::malformed};
  const std::uint64_t at = load_u64(datagram.subspan(8));
  const std::uint64_t units = 1 + sealed.size() / pad_unit_bytes;
  const auto text = out.first(sealed.size());
  bool newest = false;
  const auto there = [&]() -> std::expected<void, PadError> {
    if (at > pad_.end() || units > pad_.end() - at) return std::unexpected{PadError::not_there_yet};
    if (!pad_.whole(at, units)) return std::unexpected{PadError::replayed};
    return {};
  };
  {
    const std::scoped_lock lock{mutex_};
    if (const auto pad = there(); !pad) return std::unexpected{pad.error()};
  }
  // The key stays the same: who sends many forgeries keeps no other thread waiting.
  const auto hash = hash_of(key_, datagram.first(header_bytes + sealed.size()));
  {
    const std::scoped_lock lock{mutex_};
    if (const auto pad = there(); !pad) return std::unexpected{pad.error()};  // another thread was first
    judged_blocks_ += hashed_blocks(sealed.size());
    if (!is_tag(hash, pad_.expose(at), datagram.last(tag_bytes)))
      return std::unexpected{PadError::authentication_failed};
    std::ranges::copy(sealed, text.begin());
    pad_.join(at + 1, text);
    for (std::uint64_t unit = at; unit < at + units; ++unit)
      hooks::saw_traffic_pad_opened(unit == at ? hooks::PadUse::tag : hooks::PadUse::text, pad_.expose(unit));
    pad_.burn(at, units);
    newest = at + units > newest_end_;
    newest_end_ = std::max(newest_end_, at + units);
    if (newest_end_ > window_units) pad_.burn_before(newest_end_ - window_units);
  }
  const std::size_t length = load_u16(text);
  if (class_of(length) != text.size()) return std::unexpected{PadError::malformed};
  const auto packet = text.subspan(length_bytes, length);
  if (ip_bytes_said(packet) != length) return std::unexpected{PadError::malformed};
  std::ranges::copy(packet, out.begin());  // to where the caller wants it
  return Opened{out.first(length), newest};
}

void InboundPadSa::add(std::span<const std::byte> bits) {
  const std::scoped_lock lock{mutex_};
  pad_.add(bits);
}

void InboundPadSa::cut(std::uint64_t end) {
  const std::scoped_lock lock{mutex_};
  pad_.cut(end);
}

void InboundPadSa::burn() {
  const std::scoped_lock lock{mutex_};
  pad_.burn_before(pad_.end());
}

std::uint64_t InboundPadSa::end() const {
  const std::scoped_lock lock{mutex_};
  return pad_.end();
}

std::uint64_t InboundPadSa::left() const {
  const std::scoped_lock lock{mutex_};
  return pad_.end() - std::max(pad_.begin(), std::min(newest_end_, pad_.end()));
}

double InboundPadSa::epsilon() const {
  const std::scoped_lock lock{mutex_};
  return static_cast<double>(judged_blocks_) * per_block;
}

}  // namespace cloister::vpn
