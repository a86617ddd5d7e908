#include "appliance/vpn/esp.hpp"

#include <algorithm>
#include <array>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/ip_header.hpp"

namespace cloister::vpn {
namespace {

constexpr std::size_t header_bytes = 8;
constexpr std::size_t iv_bytes = 8;
constexpr std::size_t trailer_bytes = 2;
constexpr std::size_t smallest_bytes = header_bytes + iv_bytes + trailer_bytes + crypto::aead_tag_bytes;
constexpr std::size_t key_bytes = 32;

constexpr std::byte next_header_ipv4{4};
constexpr std::byte next_header_ipv6{41};
constexpr std::byte next_header_none{59};
constexpr std::byte next_header_aggregate{144};  // AGGFRAG (RFC 9347, section 7.1)

crypto::AeadKey key_of(const SaKey& key) {
  crypto::AeadKey aead;
  std::ranges::copy(key.expose().first<key_bytes>(), aead.fill().begin());
  return aead;
}

std::array<std::byte, 4> salt_of(const SaKey& key) {
  std::array<std::byte, 4> salt{};
  std::ranges::copy(key.expose().subspan<key_bytes, 4>(), salt.begin());
  return salt;
}

/// RFC 4106, section 5: SPI and the whole 64-bit sequence number.
std::array<std::byte, 12> associated_data(Spi spi, std::uint64_t sequence) {
  std::array<std::byte, 12> data{};
  store_u32(data, spi.value);
  store_u64(std::span{data}.subspan(4), sequence);
  return data;
}

/// RFC 4106, section 4.
crypto::AeadNonce nonce_of(const std::array<std::byte, 4>& salt, std::span<const std::byte> iv) {
  crypto::AeadNonce nonce{};
  std::ranges::copy(salt, nonce.begin());
  std::ranges::copy(iv.first(iv_bytes), nonce.begin() + 4);
  return nonce;
}

/// The 64-bit number whose low half was received and that lies nearest to the window (RFC 4303, appendix A2.2).
std::uint64_t whole_sequence(std::uint32_t low, std::uint64_t newest) {
  constexpr std::uint64_t wrap = std::uint64_t{1} << 32U;
  const std::uint64_t base = newest & ~(wrap - 1);
  const std::uint64_t oldest = newest >= ReplayWindow::size ? newest - ReplayWindow::size + 1 : 0;
  std::uint64_t whole = base | low;
  const bool straddles = oldest < base;  // the window begins below the last wrap
  if (straddles && whole - base >= (oldest & (wrap - 1)))
    whole -= wrap;
  else if (!straddles && whole < oldest)
    whole += wrap;
  return whole;
}

/// Without the padding that hides its length (RFC 4303, section 2.7). A packet that says it is longer than it is, or
/// shorter than a header, stays as it is: the kernel drops it.
std::size_t own_bytes(std::span<const std::byte> packet) {
  const std::size_t said = ip_bytes_said(packet);
  return said >= ipv4_bytes && said < packet.size() ? said : packet.size();
}

}  // namespace

const char* to_string(EspError error) {
  switch (error) {
    case EspError::truncated:
      return "truncated";
    case EspError::reserved_spi:
      return "reserved SPI";
    case EspError::unknown_sa:
      return "unknown SA";
    case EspError::replayed:
      return "replayed";
    case EspError::authentication_failed:
      return "authentication failed";
    case EspError::malformed:
      return "malformed";
    case EspError::sequence_exhausted:
      return "sequence numbers exhausted";
  }
  return "";
}

std::expected<Spi, EspError> peek_spi(std::span<const std::byte> datagram) {
  if (datagram.size() < smallest_bytes) return std::unexpected{EspError::truncated};
  const Spi spi{load_u32(datagram)};
  if (spi.value < 256)
    return std::unexpected{EspError::reserved_spi};  // RFC 4303, 2.1; 0 marks IKE in UDP (RFC 3948, 2.2)
  return spi;
}

OutboundSa::OutboundSa(Spi spi, SaKey key, std::uint64_t first_sequence, std::uint64_t last_sequence)
    : spi_{spi},
      cipher_{key_of(key)},
      salt_{salt_of(key)},
      last_sequence_{last_sequence},
      sequence_{first_sequence - 1} {}

std::uint64_t OutboundSa::next_sequence() {
  if (hooks::planted(hooks::PlantedBug::nonce_from_wall_clock)) return hooks::wall_clock();
  std::uint64_t last = sequence_.load(std::memory_order_relaxed);
  do {
    if (last >= last_sequence_) return 0;
  } while (!sequence_.compare_exchange_weak(last, last + 1, std::memory_order_relaxed));
  return last + 1;
}

std::expected<std::size_t, EspError> OutboundSa::seal(std::size_t packet_bytes, std::size_t padded_bytes,
                                                      std::span<std::byte> room) {
  if (packet_bytes == 0 || padded_bytes < packet_bytes || room.size() < padded_bytes + esp_overhead_bytes_max)
    return std::unexpected{EspError::malformed};
  const auto body = room.subspan(esp_packet_at);
  const unsigned version = std::to_integer<unsigned>(body[0]) >> 4U;
  if (version != 4 && version != 6) return std::unexpected{EspError::malformed};
  std::ranges::fill(body.subspan(packet_bytes, padded_bytes - packet_bytes), std::byte{0});
  return seal_payload(padded_bytes, version == 4 ? next_header_ipv4 : next_header_ipv6, room);
}

std::expected<std::size_t, EspError> OutboundSa::seal_aggregate(std::size_t payload_bytes, std::span<std::byte> room) {
  if (room.size() < payload_bytes + esp_overhead_bytes_max) return std::unexpected{EspError::malformed};
  return seal_payload(payload_bytes, next_header_aggregate, room);
}

std::expected<std::size_t, EspError> OutboundSa::seal_payload(std::size_t payload_bytes, std::byte next_header,
                                                              std::span<std::byte> room) {
  const std::uint64_t sequence = next_sequence();
  if (sequence == 0) return std::unexpected{EspError::sequence_exhausted};
  const auto body = room.subspan(esp_packet_at);

  store_u32(room, spi_.value);
  store_u32(room.subspan(4), static_cast<std::uint32_t>(sequence));
  const auto iv = room.subspan(header_bytes, iv_bytes);
  store_u64(iv, sequence);

  // The trailer ends on a multiple of four; its pad bytes are 1, 2, 3 (RFC 4303, 2.4).
  const std::size_t padding = (4 - (payload_bytes + trailer_bytes) % 4) % 4;
  for (std::size_t i = 0; i < padding; ++i) body[payload_bytes + i] = static_cast<std::byte>(i + 1);
  const std::size_t length = payload_bytes + padding + trailer_bytes;
  body[length - 2] = static_cast<std::byte>(padding);
  body[length - 1] = next_header;

  cipher_.seal(nonce_of(salt_, iv), associated_data(spi_, sequence), body.first(length),
               body.first(length + crypto::aead_tag_bytes));
  return esp_packet_at + length + crypto::aead_tag_bytes;
}

InboundSa::InboundSa(Spi spi, SaKey key, std::uint64_t newest_sequence)
    : spi_{spi}, cipher_{key_of(key)}, salt_{salt_of(key)}, window_{newest_sequence} {}

std::expected<InboundSa::Opened, EspError> InboundSa::open(std::span<const std::byte> datagram,
                                                           std::span<std::byte> out) {
  if (datagram.size() < smallest_bytes || out.size() < datagram.size()) return std::unexpected{EspError::truncated};
  if (load_u32(datagram) != spi_.value) return std::unexpected{EspError::unknown_sa};
  const std::uint64_t sequence = whole_sequence(load_u32(datagram.subspan(4)), window_.newest());
  if (!window_.acceptable(sequence)) return std::unexpected{EspError::replayed};

  const auto iv = datagram.subspan(header_bytes, iv_bytes);
  const auto sealed = datagram.subspan(header_bytes + iv_bytes);
  const auto body = out.first(sealed.size() - crypto::aead_tag_bytes);
  if (!cipher_.open(nonce_of(salt_, iv), associated_data(spi_, sequence), sealed, body))
    return std::unexpected{EspError::authentication_failed};
  const bool newest = sequence > window_.newest();
  if (!window_.accept(sequence)) return std::unexpected{EspError::replayed};  // another thread was first

  const std::byte next_header = body[body.size() - 1];
  const auto padding = std::to_integer<std::size_t>(body[body.size() - 2]);
  if (padding + trailer_bytes > body.size()) return std::unexpected{EspError::malformed};
  const auto packet = body.first(body.size() - trailer_bytes - padding);
  for (std::size_t i = 0; i < padding; ++i) {
    if (body[packet.size() + i] != static_cast<std::byte>(i + 1)) return std::unexpected{EspError::malformed};
  }
  if (next_header == next_header_none) return Opened{packet.first(0), newest, Content::dummy};
  if (next_header == next_header_aggregate) return Opened{packet, newest, Content::aggregate};
  if (packet.empty()) return std::unexpected{EspError::malformed};
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4U;
  const bool as_said =
      (next_header == next_header_ipv4 && version == 4) || (next_header == next_header_ipv6 && version == 6);
  if (!as_said) return std::unexpected{EspError::malformed};
  return Opened{packet.first(own_bytes(packet)), newest};
}

}  // namespace cloister::vpn
