// The ESP codec: the RFCs' layout, checked with OpenSSL's own AES-GCM; every change refused; numbers at their edges.
#include <openssl/evp.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <memory>
#include <random>
#include <set>

#include "appliance/vpn/esp.hpp"

namespace cloister::vpn {
namespace {

using Bytes = std::vector<std::byte>;
constexpr Spi spi{0x12345678};

SaKey key_of(std::uint8_t seed) {
  SaKey key;
  for (std::size_t i = 0; i < SaKey::size; ++i) key.fill()[i] = static_cast<std::byte>(seed + 3 * i);
  return key;
}

Bytes packet_of(std::size_t size, bool v6 = false) {
  Bytes packet(size, std::byte{0x5A});
  packet[0] = v6 ? std::byte{0x60} : std::byte{0x45};
  if (v6) {
    packet[4] = static_cast<std::byte>((size - 40) >> 8U);
    packet[5] = static_cast<std::byte>(size - 40);
  } else {
    packet[2] = static_cast<std::byte>(size >> 8U);
    packet[3] = static_cast<std::byte>(size);
  }
  return packet;
}

Bytes seal(OutboundSa& sa, const Bytes& packet) {
  Bytes out(packet.size() + esp_overhead_bytes_max);
  const auto bytes = sa.seal(packet, out);
  REQUIRE(bytes);
  out.resize(*bytes);
  return out;
}

std::expected<Bytes, EspError> open(InboundSa& sa, const Bytes& datagram) {
  Bytes out(datagram.size());
  const auto packet = sa.open(datagram, out);
  if (!packet) return std::unexpected{packet.error()};
  return Bytes(packet->begin(), packet->end());
}

std::uint64_t number(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes) value = value << 8U | std::to_integer<std::uint64_t>(byte);
  return value;
}

TEST_CASE("Packets of every size and both families come out as they went in", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(1)};
  for (std::size_t size = 20; size < 200; ++size) REQUIRE(open(in, seal(out, packet_of(size))) == packet_of(size));
  for (std::size_t size = 40; size < 120; ++size)
    REQUIRE(open(in, seal(out, packet_of(size, true))) == packet_of(size, true));
  CHECK(open(in, seal(out, packet_of(9000))) == packet_of(9000));
}

TEST_CASE("The layout is that of RFC 4303 and RFC 4106, as OpenSSL's AES-256-GCM reads it", "[esp]") {
  constexpr std::uint64_t sequence = 0x1'0000'0005U;  // the upper half is not sent, but authenticated
  OutboundSa out{spi, key_of(9), sequence};
  const auto packet = packet_of(61);
  const auto datagram = seal(out, packet);
  CHECK(number(std::span{datagram}.first(4)) == spi.value);
  CHECK(number(std::span{datagram}.subspan(4, 4)) == (sequence & 0xFFFFFFFFU));
  CHECK(datagram.size() % 4 == 0);  // RFC 4303, 2.4

  const auto key = key_of(9);
  Bytes nonce(key.expose().begin() + 32, key.expose().end());
  nonce.insert(nonce.end(), datagram.begin() + 8, datagram.begin() + 16);
  Bytes associated{datagram.begin(), datagram.begin() + 4};  // SPI, then 64 bits of the number (RFC 4106, 5)
  for (int shift = 56; shift >= 0; shift -= 8)
    associated.push_back(static_cast<std::byte>(sequence >> static_cast<unsigned>(shift)));

  const std::size_t length = datagram.size() - 32;
  Bytes plain(length);
  Bytes tag(datagram.end() - 16, datagram.end());
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free};
  const auto raw = [](const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); };
  int done = 0;
  REQUIRE(EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), raw(key.expose().data()), raw(nonce.data()), nullptr) ==
          1);
  REQUIRE(EVP_DecryptUpdate(context.get(), nullptr, &done, raw(associated.data()),
                            static_cast<int>(associated.size())) == 1);
  REQUIRE(EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(plain.data()), &done,
                            raw(datagram.data() + 16), static_cast<int>(length)) == 1);
  REQUIRE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, 16, tag.data()) == 1);
  unsigned char rest[16];
  REQUIRE(EVP_DecryptFinal_ex(context.get(), rest, &done) == 1);

  CHECK(std::ranges::equal(std::span{plain}.first(packet.size()), packet));
  CHECK(plain.back() == std::byte{4});  // next header: IPv4
  const std::size_t pad = length - packet.size() - 2;
  CHECK(plain[length - 2] == static_cast<std::byte>(pad));
  for (std::size_t i = 0; i < pad; ++i)
    CHECK(plain[packet.size() + i] == static_cast<std::byte>(i + 1));  // RFC 4303, 2.4
}

TEST_CASE("A datagram of which any bit was changed, or that was cut, is refused and changes nothing", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(1)};
  const auto datagram = seal(out, packet_of(60));
  for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
    auto changed = datagram;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    REQUIRE_FALSE(open(in, changed));
  }
  for (std::size_t length = 0; length < datagram.size(); ++length)
    REQUIRE_FALSE(open(in, Bytes(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(length))));
  CHECK(open(in, datagram));
  CHECK(open(in, datagram).error() == EspError::replayed);
}

TEST_CASE("Another key or another direction opens nothing", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(2)};
  CHECK(open(in, seal(out, packet_of(60))).error() == EspError::authentication_failed);
}

TEST_CASE("The sequence number passes 2^32 with packets lost and reordered around it", "[esp]") {
  constexpr std::uint64_t start = 0xFFFFFFFFU - 50;
  std::mt19937 chance{3};
  for (int round = 0; round < 20; ++round) {
    OutboundSa out{spi, key_of(1), start};
    InboundSa in{spi, key_of(1), start - 1};
    std::vector<Bytes> flight;
    for (int i = 0; i < 120; ++i) {
      auto datagram = seal(out, packet_of(40));
      if (chance() % 4 != 0) flight.push_back(std::move(datagram));
    }
    std::ranges::shuffle(flight, chance);
    for (const auto& datagram : flight) REQUIRE(open(in, datagram));
    for (const auto& datagram : flight) REQUIRE(open(in, datagram).error() == EspError::replayed);
  }
}

TEST_CASE("An SA whose numbers are used up sends nothing more", "[esp]") {
  OutboundSa out{spi, key_of(1), std::numeric_limits<std::uint64_t>::max() - 1};
  Bytes room(200);
  int sent = 0;
  while (out.seal(packet_of(40), room)) REQUIRE(++sent < 5);
  CHECK(out.seal(packet_of(40), room).error() == EspError::sequence_exhausted);
}

TEST_CASE("Reserved SPIs are told apart", "[esp]") {
  Bytes datagram(60);
  datagram[3] = std::byte{255};
  CHECK(peek_spi(datagram).error() == EspError::reserved_spi);
  CHECK(peek_spi(Bytes(3)).error() == EspError::truncated);
}

TEST_CASE("The replay window is a set of what was seen, and forgets what is too old", "[esp]") {
  std::mt19937_64 chance{5};
  ReplayWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t newest = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t around = newest > 9000 ? newest - 9000 : 0;
    const std::uint64_t sequence = chance() % 500 == 0 ? newest + chance() % 20'000 : around + chance() % 9100;
    const bool fresh =
        sequence != 0 && (sequence > newest || (newest - sequence < ReplayWindow::size && !seen.contains(sequence)));
    REQUIRE(window.acceptable(sequence) == fresh);
    REQUIRE(window.accept(sequence) == fresh);
    if (fresh) seen.insert(sequence);
    newest = std::max(newest, fresh ? sequence : 0);
  }
  CHECK(window.newest() == newest);
}

}  // namespace
}  // namespace cloister::vpn
