#pragma once
/// Whole IP packets with right checksums, made by a plain hand of their own: 16-bit words, one after another.

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace cloister::vpn {

using Bytes = std::vector<std::byte>;

struct PacketFacts {
  bool v6 = false;
  bool tcp = true;
  std::uint16_t source_port = 1000;
  std::uint16_t destination_port = 2000;
  std::uint32_t sequence = 1;
  std::uint32_t acknowledgement = 77;
  std::uint8_t flags = 0x10;
  std::uint16_t window = 500;
  std::size_t option_bytes = 12;  // of TCP; a multiple of four
  std::uint16_t identification = 9;
  bool dont_fragment = true;
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 64;
};

inline void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::byte>(value >> 8U));
  out.push_back(static_cast<std::byte>(value));
}

inline void set16(Bytes& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<std::byte>(value >> 8U);
  out[at + 1] = static_cast<std::byte>(value);
}

inline std::size_t get16(const Bytes& bytes, std::size_t at) {
  return (std::to_integer<std::size_t>(bytes[at]) << 8U) | std::to_integer<std::size_t>(bytes[at + 1]);
}

/// RFC 1071, word by word.
inline std::uint16_t plain_checksum(Bytes bytes) {
  if (bytes.size() % 2 != 0) bytes.push_back(std::byte{0});
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(get16(bytes, i));
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(~sum);
}

inline std::size_t ip_bytes_of(const PacketFacts& facts) { return facts.v6 ? 40 : 20; }
inline std::size_t header_bytes_of(const PacketFacts& facts) {
  return ip_bytes_of(facts) + (facts.tcp ? 20 + facts.option_bytes : 8);
}

/// Pseudo-header and transport part, over which TCP's and UDP's checksum goes.
inline Bytes summed_part(const Bytes& packet, bool v6, bool tcp) {
  const std::size_t ip = v6 ? 40 : 20;
  Bytes part;
  for (std::size_t i = v6 ? 8 : 12; i < ip; ++i) part.push_back(packet[i]);
  put16(part, tcp ? 6 : 17);
  put16(part, packet.size() - ip);
  for (std::size_t i = ip; i < packet.size(); ++i) part.push_back(packet[i]);
  return part;
}

inline Bytes packet_of(const PacketFacts& facts, const Bytes& payload) {
  const std::size_t ip = ip_bytes_of(facts);
  const std::size_t total = header_bytes_of(facts) + payload.size();
  Bytes packet;
  if (facts.v6) {
    put16(packet, 0x6000U | (std::size_t{facts.traffic_class} << 4U));
    put16(packet, 0x1234);
    put16(packet, total - ip);
    put16(packet, ((facts.tcp ? 6U : 17U) << 8U) | facts.hop_limit);
    for (std::size_t i = 0; i < 16; ++i) put16(packet, 0x2001U + 0x111U * i);
  } else {
    put16(packet, 0x4500U | facts.traffic_class);
    put16(packet, total);
    put16(packet, facts.identification);
    put16(packet, facts.dont_fragment ? 0x4000 : 0);
    put16(packet, (std::size_t{facts.hop_limit} << 8U) | (facts.tcp ? 6U : 17U));
    put16(packet, 0);
    for (const std::size_t word : {0xC000U, 0x020AU, 0xC633U, 0x640AU}) put16(packet, word);
    set16(packet, 10, plain_checksum(packet));
  }
  put16(packet, facts.source_port);
  put16(packet, facts.destination_port);
  if (facts.tcp) {
    put16(packet, facts.sequence >> 16U);
    put16(packet, facts.sequence & 0xFFFFU);
    put16(packet, facts.acknowledgement >> 16U);
    put16(packet, facts.acknowledgement & 0xFFFFU);
    put16(packet, ((20 + facts.option_bytes) / 4) << 12U | facts.flags);
    put16(packet, facts.window);
    put16(packet, 0);
    put16(packet, 0);
    for (std::size_t i = 0; i < facts.option_bytes; ++i) packet.push_back(std::byte{1});  // no-operation
  } else {
    put16(packet, 8 + payload.size());
    put16(packet, 0);
  }
  for (const auto byte : payload) packet.push_back(byte);
  const auto sum = plain_checksum(summed_part(packet, facts.v6, facts.tcp));
  set16(packet, ip + (facts.tcp ? 16 : 6), sum == 0 && !facts.tcp ? 0xFFFF : sum);
  return packet;
}

inline Bytes random_payload(std::mt19937& chance, std::size_t bytes) {
  Bytes payload(bytes);
  for (auto& byte : payload) byte = static_cast<std::byte>(chance());
  return payload;
}

}  // namespace cloister::vpn
