// The ESP codec: the RFCs' layout, checked with OpenSSL's own AES-GCM; every change refused; numbers at their edges.
#include <openssl/evp.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

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
  std::ranges::copy(packet, out.begin() + esp_packet_at);
  const auto bytes = sa.seal(packet.size(), out);
  REQUIRE(bytes);
  out.resize(*bytes);
  return out;
}

std::expected<Bytes, EspError> open(InboundSa& sa, const Bytes& datagram) {
  Bytes out(datagram.size());
  const auto opened = sa.open(datagram, out);
  if (!opened) return std::unexpected{opened.error()};
  return Bytes(opened->packet.begin(), opened->packet.end());
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

TEST_CASE("Padded to a length, packets look alike from outside and come out as they went in", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(1)};
  std::size_t looks = 0;
  for (const bool v6 : {false, true}) {
    for (std::size_t size = 40; size <= 300; ++size) {
      const auto packet = packet_of(size, v6);
      Bytes datagram(300 + esp_overhead_bytes_max, std::byte{0xEE});
      std::ranges::copy(packet, datagram.begin() + esp_packet_at);
      const auto bytes = out.seal(size, 300, datagram);
      REQUIRE(bytes);
      if (looks == 0) looks = *bytes;
      REQUIRE(*bytes == looks);
      datagram.resize(*bytes);
      REQUIRE(open(in, datagram) == packet);
    }
  }
  Bytes room(300 + esp_overhead_bytes_max, std::byte{0x45});
  CHECK_FALSE(out.seal(300, 299, room));
  CHECK_FALSE(out.seal(100, 301, room));
}

TEST_CASE("Aggregates come out as such, whatever is in them, and look like a padded packet of that length", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(1)};
  for (std::size_t size = 4; size < 300; ++size) {
    Bytes datagram(size + esp_overhead_bytes_max, std::byte{0});
    const auto bytes = out.seal_aggregate(size, datagram);
    REQUIRE(bytes);
    Bytes padded(size + 40 + esp_overhead_bytes_max, std::byte{0});
    std::ranges::copy(packet_of(40), padded.begin() + esp_packet_at);
    if (size >= 40) REQUIRE(out.seal(40, size, padded) == *bytes);
    datagram.resize(*bytes);
    Bytes room(datagram.size());
    const auto opened = in.open(datagram, room);
    REQUIRE(opened);
    CHECK(opened->content == InboundSa::Content::aggregate);
    CHECK(opened->packet.size() == size);
  }
  Bytes room(100);
  CHECK_FALSE(out.seal_aggregate(100, room));
}

TEST_CASE("A packet that contradicts its own length comes out with all that was sealed", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(1)};
  for (const unsigned said : {0U, 19U, 101U, 65'535U}) {
    auto packet = packet_of(100);
    packet[2] = static_cast<std::byte>(said >> 8U);
    packet[3] = static_cast<std::byte>(said);
    CHECK(open(in, seal(out, packet)) == packet);
  }
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
  room[esp_packet_at] = std::byte{0x45};
  int sent = 0;
  for (; out.seal(40, room); room[esp_packet_at] = std::byte{0x45}) REQUIRE(++sent < 5);
  CHECK(sent == 2);
  for (int again = 0; again < 3; ++again) CHECK(out.seal(40, room).error() == EspError::sequence_exhausted);
}

TEST_CASE("Reserved SPIs are told apart", "[esp]") {
  Bytes datagram(60);
  datagram[3] = std::byte{255};
  CHECK(peek_spi(datagram).error() == EspError::reserved_spi);
  CHECK(peek_spi(Bytes(3)).error() == EspError::truncated);
}

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoul(std::string{text.substr(i, 2)}, nullptr, 16)));
  return bytes;
}

/// The test cases of draft-mcgrew-gcm-test-01 with 256-bit keys and 64-bit sequence numbers. Their next header is 1, for
/// transport mode, so that after the tag holds the packet is refused; what was decrypted can be seen nevertheless.
struct McGrewCase {
  const char* key;
  const char* salt;
  std::uint32_t spi;
  std::uint64_t sequence;
  const char* plaintext;
  const char* datagram;
};
const std::vector<McGrewCase> mcgrew_cases{
    {"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74", 0x17405e67, 0x156f3126dd0db99b,
     "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d540001",
     "17405e67dd0db99b616e640169766563f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e"
     "451626c2415771e3b7eebca614c89b35"},
    {"abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74", 0x17405e67, 0x156f3126dd0db99b,
     "636973636f0172756c657301746865016e6574776501646566696e6501746865746563686e6f6c6f676965730174686174"
     "77696c6c01646566696e65746f6d6f72726f7701020201",
     "17405e67dd0db99b616e640169766563d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18d0a6df10e5487df0"
     "74113e14c641024e3e6773d91a62ee429b043a10e3efe6b012a49363412364f8c0cac587f249e56b11e24f30e44ccc76"},
    {"6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", "7475726e", 0x796b6963, 0xffffffffffffffff,
     "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201",
     "796b6963ffffffff333021696765746df97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a864cd3d78ca4ae68a3"
     "2b42458fb57dbe821dcc63b9d0937ba2945f669368661a329fb4c053"},
};

TEST_CASE("The ESP test cases of draft-mcgrew-gcm-test-01 are decrypted as it says, and refused when changed",
          "[esp]") {
  for (const auto& vector : mcgrew_cases) {
    const auto key_material = [&] {
      SaKey key;
      std::ranges::copy(from_hex(std::string{vector.key} + vector.salt), key.fill().begin());
      return key;
    };
    const auto datagram = from_hex(vector.datagram);
    const auto plaintext = from_hex(vector.plaintext);
    Bytes out(datagram.size());
    InboundSa in{Spi{vector.spi}, key_material(), vector.sequence - 1};
    CHECK(in.open(datagram, out).error() == EspError::malformed);
    CHECK(std::ranges::equal(std::span{out}.first(plaintext.size()), plaintext));
    CHECK(in.open(datagram, out).error() == EspError::replayed);

    InboundSa other{Spi{vector.spi}, key_material(), vector.sequence - 1};
    for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
      auto changed = datagram;
      changed[bit / 8] ^= std::byte{1} << (bit % 8);
      const auto opened = other.open(changed, out);
      REQUIRE_FALSE(opened);
      REQUIRE(opened.error() != EspError::malformed);  // which would mean that the tag held
    }
  }
}

TEST_CASE("Of every class of packet, each field changed on the way is refused, and the packet itself then accepted",
          "[esp]") {
  std::mt19937 chance{9};
  const std::vector<std::pair<const char*, Bytes>> classes{{"IPv4, shortest", packet_of(20)},
                                                           {"IPv4, padded", packet_of(61)},
                                                           {"IPv4, full", packet_of(1420)},
                                                           {"IPv6, shortest", packet_of(40, true)},
                                                           {"IPv6, full", packet_of(1420, true)}};
  for (const auto& [name, packet] : classes) {
    INFO(name);
    OutboundSa out{spi, key_of(1)};
    InboundSa in{spi, key_of(1)};
    const auto datagram = seal(out, packet);
    const std::vector<std::pair<std::size_t, std::size_t>> fields{
        {0, 4}, {4, 8}, {8, 16}, {16, datagram.size() - 16}, {datagram.size() - 16, datagram.size()}};
    for (const auto& [from, to] : fields) {
      for (int round = 0; round < 300; ++round) {
        auto changed = datagram;
        for (std::size_t i = from; i < to; ++i) changed[i] = static_cast<std::byte>(chance());
        if (changed != datagram) REQUIRE_FALSE(open(in, changed));
      }
      for (const auto value : {std::byte{0}, std::byte{0xFF}}) {
        auto changed = datagram;
        std::fill(changed.begin() + static_cast<std::ptrdiff_t>(from),
                  changed.begin() + static_cast<std::ptrdiff_t>(to), value);
        REQUIRE_FALSE(open(in, changed));
      }
    }
    CHECK(open(in, datagram) == packet);
  }
}

TEST_CASE("Of a million datagrams replayed by four threads none is accepted", "[esp]") {
  OutboundSa out{spi, key_of(1)};
  InboundSa in{spi, key_of(1)};
  std::vector<Bytes> sent;
  for (int i = 0; i < 20'000; ++i) {
    sent.push_back(seal(out, packet_of(40)));
    REQUIRE(open(in, sent.back()));
  }
  std::atomic<int> accepted = 0;
  {
    std::vector<std::jthread> workers;
    for (unsigned worker = 0; worker < 4; ++worker) {
      workers.emplace_back([&, worker] {
        std::mt19937 chance{worker};
        Bytes room(200);
        for (int i = 0; i < 250'000; ++i) accepted += in.open(sent[chance() % sent.size()], room) ? 1 : 0;
      });
    }
  }
  CHECK(accepted == 0);
}

TEST_CASE("An SA seals no number beyond its last", "[esp]") {
  OutboundSa out{spi, key_of(1), 1, 3};
  const auto packet = packet_of(100);
  std::vector<std::byte> room(packet.size() + esp_overhead_bytes_max);
  for (int number = 1; number <= 5; ++number) {
    std::ranges::copy(packet, room.begin() + esp_packet_at);
    const auto sealed = out.seal(packet.size(), room);
    CHECK(sealed.has_value() == (number <= 3));
    if (!sealed) CHECK(sealed.error() == EspError::sequence_exhausted);
  }
}

}  // namespace
}  // namespace cloister::vpn
