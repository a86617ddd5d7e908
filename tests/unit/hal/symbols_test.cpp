#include <openssl/evp.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "hal/simulator/symbols.hpp"

namespace {

using namespace cloister;
using namespace cloister::hal;
using simulator::SymbolGenerator;

constexpr simulator::SourceSettings settings{
    .clock_hz = 1e9, .z_probability = 0.9, .intensities = {0.5, 0.1}, .probabilities = {0.65, 0.35}};

simulator::SourceSeed counting_seed() {
  simulator::SourceSeed seed;
  for (std::size_t i = 0; i < seed.size; ++i) seed.fill()[i] = static_cast<std::byte>(i);
  return seed;
}

SymbolGenerator make_generator() {
  auto generator = SymbolGenerator::create(counting_seed(), settings);
  REQUIRE(generator);
  return std::move(*generator);
}

/// The low half of AES-256(slot ‖ epoch) by another implementation.
std::uint64_t openssl_value(std::span<const std::byte, 32> key, Epoch epoch, Slot slot) {
  const std::array<std::uint64_t, 2> counter{slot, epoch};
  std::array<unsigned char, 16> in{};
  std::array<unsigned char, 32> out{};
  std::memcpy(in.data(), counter.data(), in.size());
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free};
  int length = 0;
  REQUIRE(EVP_EncryptInit_ex2(context.get(), EVP_aes_256_ecb(), reinterpret_cast<const unsigned char*>(key.data()),
                              nullptr, nullptr) == 1);
  REQUIRE(EVP_EncryptUpdate(context.get(), out.data(), &length, in.data(), 16) == 1);
  std::uint64_t value = 0;
  std::memcpy(&value, out.data(), sizeof value);
  return value;
}

}  // namespace

TEST_CASE("the generator's values are those of OpenSSL's AES-256") {
  const auto generator = make_generator();
  const auto seed = counting_seed();
  // One past a group of eight, so that the last group is not whole.
  const std::vector<Slot> slots{0, 1, 7, 8, 1000, 1ULL << 32, (1ULL << 40) + 3, UINT64_MAX - 1, UINT64_MAX};
  for (const Epoch epoch : {0U, 1U, 0xffffffffU}) {
    std::vector<std::uint64_t> values(slots.size());
    generator.values(epoch, slots, values);
    for (std::size_t i = 0; i < slots.size(); ++i) CHECK(values[i] == openssl_value(seed.expose(), epoch, slots[i]));
  }
}

TEST_CASE("a slot has the same symbol whenever and with whatever it is asked for") {
  const auto generator = make_generator();
  std::vector<Slot> slots;
  for (Slot slot = 5; slots.size() < 1000; slot = slot * 3 / 2 + 1) slots.push_back(slot % 1'000'000'007);
  std::vector<Symbol> together(slots.size());
  generator.symbols(9, slots, together);
  for (std::size_t i = slots.size(); i-- > 0;) {
    Symbol alone{};
    generator.symbols(9, {&slots[i], 1}, {&alone, 1});
    CHECK(
        (alone.basis == together[i].basis && alone.bit == together[i].bit && alone.intensity == together[i].intensity));
  }
}

TEST_CASE("symbols follow the set probabilities, each independent of the others and of the epoch") {
  const auto generator = make_generator();
  constexpr std::size_t count = 1'000'000;
  std::vector<Slot> slots(count);
  for (std::size_t i = 0; i < count; ++i) slots[i] = 17 * i;
  std::vector<Symbol> symbols(count), next_epoch(count);
  generator.symbols(1, slots, symbols);
  generator.symbols(2, slots, next_epoch);
  const auto check = [&](const char* what, auto&& predicate, double probability) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) found += predicate(i) ? 1U : 0U;
    const double sigma = std::sqrt(count * probability * (1 - probability));
    INFO(what);
    CHECK(std::abs(static_cast<double>(found) - count * probability) < 5 * sigma);
  };
  const auto z = [&](std::size_t i) { return symbols[i].basis == Basis::z; };
  const auto one = [&](std::size_t i) { return symbols[i].bit == 1; };
  const auto signal = [&](std::size_t i) { return symbols[i].intensity == 0; };
  check("z", z, 0.9);
  check("one", one, 0.5);
  check("signal", signal, 0.65);
  check("z and one", [&](std::size_t i) { return z(i) && one(i); }, 0.45);
  check("z and signal", [&](std::size_t i) { return z(i) && signal(i); }, 0.585);
  check("one and signal", [&](std::size_t i) { return one(i) && signal(i); }, 0.325);
  check("same bit in the next epoch", [&](std::size_t i) { return symbols[i].bit == next_epoch[i].bit; }, 0.5);
}
