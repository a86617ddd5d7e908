#include "crypto/gf128_kernel.hpp"

namespace cloister::crypto {
namespace {

struct Element {
  std::uint64_t high;  // coefficients of x^0 … x^63, x^0 in the most significant bit
  std::uint64_t low;
};

Element load(const std::byte* bytes) {
  Element element{0, 0};
  for (std::size_t i = 0; i < 8; ++i) {
    element.high = (element.high << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
    element.low = (element.low << 8U) | std::to_integer<std::uint64_t>(bytes[8 + i]);
  }
  return element;
}

Block128 store(const Element& element) {
  Block128 bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::byte>(element.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::byte>(element.low >> (56 - 8 * i));
  }
  return bytes;
}

/// NIST SP 800-38D, algorithm 1, with masks in place of branches.
Element product(const Element& x, Element v) {
  Element z{0, 0};
  for (unsigned i = 0; i < 128; ++i) {
    const std::uint64_t bit = i < 64 ? x.high >> (63 - i) : x.low >> (127 - i);
    const std::uint64_t take = std::uint64_t{0} - (bit & 1U);
    z.high ^= v.high & take;
    z.low ^= v.low & take;
    const std::uint64_t reduce = std::uint64_t{0} - (v.low & 1U);
    v.low = (v.low >> 1U) | (v.high << 63U);
    v.high = (v.high >> 1U) ^ (reduce & 0xE100000000000000U);
  }
  return z;
}

Block128 multiply(const Block128& a, const Block128& b) { return store(product(load(a.data()), load(b.data()))); }

void absorb(Block128& value, const Gf128Powers& powers, std::span<const std::byte> data) {
  const Element h = load(powers[0].data());
  Element sum = load(value.data());
  for (; data.size() >= 16; data = data.subspan(16)) {
    const Element block = load(data.data());
    sum = product({sum.high ^ block.high, sum.low ^ block.low}, h);
  }
  value = store(sum);
}

}  // namespace

const Gf128Kernel& gf128_portable() {
  static constexpr Gf128Kernel kernel{"portable", multiply, absorb};
  return kernel;
}

}  // namespace cloister::crypto
