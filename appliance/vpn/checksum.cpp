#include "appliance/vpn/checksum.hpp"

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstring>

#include "appliance/vpn/big_endian.hpp"

namespace cloister::vpn {
namespace {

using Kernel = ChecksumSum (*)(ChecksumSum, std::span<const std::byte>);

/// Sums of 32-bit words in 64-bit lanes: no carry is lost over 64 KiB, and 2^16 and 2^32 are both 1 modulo 2^16 - 1.
[[gnu::target("avx2")]] ChecksumSum add_avx2(ChecksumSum sum, std::span<const std::byte> bytes) {
  const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  while (bytes.size() >= 32) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes.data()));
    even = _mm256_add_epi64(even, _mm256_and_si256(words, low_half));
    odd = _mm256_add_epi64(odd, _mm256_srli_epi64(words, 32));
    bytes = bytes.subspan(32);
  }
  alignas(32) std::array<std::uint64_t, 4> lanes{};
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.data()), _mm256_add_epi64(even, odd));
  return checksum_add_portable(sum + lanes[0] + lanes[1] + lanes[2] + lanes[3], bytes);
}

Kernel chosen_kernel() { return __builtin_cpu_supports("avx2") != 0 ? add_avx2 : checksum_add_portable; }

}  // namespace

ChecksumSum checksum_add(ChecksumSum sum, std::span<const std::byte> bytes) {
  static const Kernel kernel = chosen_kernel();
  return kernel(sum, bytes);
}

ChecksumSum checksum_add_portable(ChecksumSum sum, std::span<const std::byte> bytes) {
  while (bytes.size() >= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    sum += word;
    bytes = bytes.subspan(4);
  }
  std::uint32_t rest = 0;  // a last odd byte counts as if a zero followed
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  return sum + rest;
}

std::uint16_t checksum_fold(ChecksumSum sum) {
  sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

void checksum_store(std::span<std::byte> where, std::uint16_t value) { std::memcpy(where.data(), &value, 2); }

void checksum_mend(std::span<std::byte> field, std::uint16_t before, std::uint16_t after) {
  const auto inverted = [](std::uint32_t value) { return ~value & 0xFFFFU; };
  std::uint32_t sum = inverted(load_u16(field)) + inverted(before) + after;
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  store_u16(field, inverted(sum));
}

ChecksumSum pseudo_header_sum(std::span<const std::byte> packet, std::uint8_t protocol, std::size_t transport_bytes) {
  const bool v6 = (std::to_integer<unsigned>(packet[0]) >> 4U) == 6;
  const std::array<std::byte, 4> rest{std::byte{0}, std::byte{protocol}, static_cast<std::byte>(transport_bytes >> 8U),
                                      static_cast<std::byte>(transport_bytes)};
  return checksum_add_portable(checksum_add_portable(0, rest), v6 ? packet.subspan(8, 32) : packet.subspan(12, 8));
}

}  // namespace cloister::vpn
