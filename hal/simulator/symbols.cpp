#include "hal/simulator/symbols.hpp"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace cloister::hal::simulator {

namespace {

constexpr std::size_t rounds = 14;  // AES-256, FIPS 197, 5
constexpr std::size_t lanes = 8;    // enough independent blocks to fill the AES unit's pipeline

using RoundKeys = __m128i[rounds + 1];

[[gnu::target("aes"), gnu::always_inline]] inline __m128i spread(__m128i key, __m128i assist) {
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

// FIPS 197, 5.2: two round keys further; the round constant must be a literal of the instruction.
template <int constant>
[[gnu::target("aes"), gnu::always_inline]] inline void expand(RoundKeys& keys, std::size_t i) {
  keys[i] = spread(keys[i - 2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[i - 1], constant), 0xff));
  if (i < rounds) keys[i + 1] = spread(keys[i - 1], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[i], 0), 0xaa));
}

[[gnu::target("aes")]] void expand_key(std::span<const std::byte, 32> seed, std::span<std::byte> out) {
  RoundKeys keys;
  keys[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(seed.data()));
  keys[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(seed.data() + 16));
  expand<0x01>(keys, 2);
  expand<0x02>(keys, 4);
  expand<0x04>(keys, 6);
  expand<0x08>(keys, 8);
  expand<0x10>(keys, 10);
  expand<0x20>(keys, 12);
  expand<0x40>(keys, 14);
  std::ranges::copy(std::as_bytes(std::span{keys}), out.begin());
  crypto::wipe(std::as_writable_bytes(std::span{keys}));
}

// Encrypts the counters of `lanes` slots; rows past the caller's slots are computed and not used.
[[gnu::target("aes")]] void encrypt(const std::byte* round_keys, Epoch epoch, const std::array<Slot, lanes>& slots,
                                    std::array<std::uint64_t, lanes>& out) {
  const auto key = [&](std::size_t round) __attribute__((target("aes"), always_inline)) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(round_keys + 16 * round));
  };
  __m128i state[lanes];
  for (std::size_t lane = 0; lane < lanes; ++lane)
    state[lane] =
        _mm_xor_si128(_mm_set_epi64x(static_cast<long long>(epoch), static_cast<long long>(slots[lane])), key(0));
  for (std::size_t round = 1; round < rounds; ++round) {
    const auto round_key = key(round);
    for (auto& block : state) block = _mm_aesenc_si128(block, round_key);
  }
  for (std::size_t lane = 0; lane < lanes; ++lane)
    out[lane] = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_aesenclast_si128(state[lane], key(rounds))));
}

std::uint64_t on_32_bits(double probability) { return static_cast<std::uint64_t>(std::ldexp(probability, 32)); }

}  // namespace

Result<SymbolGenerator> SymbolGenerator::create(const SourceSeed& seed, const SourceSettings& settings) {
  if (!__builtin_cpu_supports("aes"))
    return fail("this processor has no AES instructions, which the simulated source needs");
  return SymbolGenerator{seed, settings};
}

SymbolGenerator::SymbolGenerator(const SourceSeed& seed, const SourceSettings& settings)
    : round_keys_(16 * (rounds + 1)),
      signal_below_{on_32_bits(settings.probabilities[0])},
      decoys_below_{settings.intensity_count() == 3 ? on_32_bits(settings.probabilities[0] + settings.probabilities[1])
                                                    : std::uint64_t{1} << 32U},
      z_below_{static_cast<std::uint32_t>(std::ldexp(settings.z_probability, 31))} {
  expand_key(seed.expose(), round_keys_);
}

void SymbolGenerator::weaken(Slot from, double part) {
  earlier_ = std::exchange(weakness_, {.from = from, .stuck_below = static_cast<std::uint32_t>(std::ldexp(part, 16))});
}

void SymbolGenerator::values(Epoch epoch, std::span<const Slot> slots, std::span<std::uint64_t> out) const {
  require(out.size() == slots.size(), "one value per slot");
  std::array<std::uint64_t, lanes> group_values{};
  for (std::size_t first = 0; first < slots.size(); first += lanes) {
    const auto count = std::min(lanes, slots.size() - first);
    std::array<Slot, lanes> group{};
    std::copy_n(slots.begin() + static_cast<std::ptrdiff_t>(first), count, group.begin());
    encrypt(round_keys_.data(), epoch, group, group_values);
    std::copy_n(group_values.begin(), count, out.begin() + static_cast<std::ptrdiff_t>(first));
  }
  crypto::wipe(std::as_writable_bytes(std::span{group_values}));
}

void SymbolGenerator::symbols(Epoch epoch, std::span<const Slot> slots, std::span<Symbol> out) const {
  require(out.size() == slots.size(), "one symbol per slot");
  constexpr std::size_t batch = 256;
  std::array<std::uint64_t, batch> drawn{};
  for (std::size_t first = 0; first < slots.size(); first += batch) {
    const auto count = std::min(batch, slots.size() - first);
    values(epoch, slots.subspan(first, count), std::span{drawn}.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      const auto value = drawn[i];
      const auto intensity_draw = static_cast<std::uint32_t>(value);
      const auto basis_draw = static_cast<std::uint32_t>(value >> 32) & 0x7fffffffU;
      const auto& weakness = slots[first + i] >= weakness_.from ? weakness_ : earlier_;
      const bool stuck = (intensity_draw & 0xffffU) < weakness.stuck_below;
      out[first + i] = {static_cast<Basis>(basis_draw >= z_below_), static_cast<std::uint8_t>(stuck ? 0 : value >> 63),
                        static_cast<std::uint8_t>((intensity_draw >= signal_below_ ? 1 : 0) +
                                                  (intensity_draw >= decoys_below_ ? 1 : 0))};
    }
  }
  crypto::wipe(std::as_writable_bytes(std::span{drawn}));
}

}  // namespace cloister::hal::simulator
