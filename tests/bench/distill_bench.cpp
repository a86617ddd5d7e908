// How fast one core distils, both parties together. Prints a figure a line, as JSON.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <format>
#include <iostream>
#include <random>

#include "appliance/distill/account.hpp"
#include "appliance/distill/binary_entropy.hpp"
#include "appliance/distill/cascade.hpp"
#include "appliance/distill/messages.hpp"
#include "appliance/distill/sifting.hpp"
#include "crypto/gf128.hpp"
#include "crypto/random.hpp"
#include "crypto/toeplitz.hpp"
#include "tests/bench/figures.hpp"
#include "tests/synthetic_light.hpp"
#include "tests/toeplitz_definition.hpp"

namespace {
using namespace cloister;
using bench::core_seconds;
using bench::print;

constexpr int repetitions = 5;

double seconds_since(double start) { return core_seconds() - start; }

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

crypto::SecretBits random_bits(std::size_t bits, std::mt19937_64& chance) {
  crypto::SecretBits out{bits};
  for (auto& word : out.fill()) word = chance();
  for (std::size_t i = bits; i < 64 * out.expose().size(); ++i) out.fill()[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  return out;
}

struct Reconciliation {
  std::size_t disclosed = 0;
  std::size_t rounds = 0;
  bool failed = false;
};

/// Both parties in turn on this core, all messages through their encoding.
Reconciliation reconcile(const crypto::SecretBits& alice, crypto::SecretBits& bob, std::uint64_t seed, double qber) {
  Reconciliation result;
  distill::CascadeReference reference{alice.expose(), seed};
  distill::CascadeCorrector corrector{bob, seed, qber};
  for (;;) {
    const auto step = corrector.next_step();
    result.rounds = corrector.rounds();
    result.failed = step.failed;
    if (step.done || step.failed) return result;
    distill::BitString parities;
    if (step.pass_block_words) {
      parities = reference.begin_pass(distill::decode_pass(distill::encode_pass(*step.pass_block_words)).value());
    } else {
      const auto questions = distill::decode_questions(distill::encode(step.questions)).value();
      parities = reference.answer(questions).value();
    }
    const auto told = distill::decode_bits(distill::encode_bits(parities)).value();
    result.disclosed += told.size();
    require(step.pass_block_words ? corrector.on_pass_parities(told) : corrector.on_answers(told), "parities");
  }
}

/// Independent errors, a fresh permutation for each frame; setting up and clearing are in the time.
void cascade(double qber) {
  constexpr std::size_t bits = 1 << 18;
  constexpr int frames = 1000;
  std::mt19937_64 chance{42};
  const auto threshold = static_cast<std::uint64_t>(qber * 0x1p64);
  double seconds = 0;
  double limit = 0;
  std::size_t disclosed = 0;
  std::size_t rounds = 0;
  int failed = 0;
  for (int frame = 0; frame < frames; ++frame) {
    const auto alice = random_bits(bits, chance);
    auto bob = alice.slice(0, bits);
    std::size_t errors = 0;
    for (std::size_t i = 0; i < bits; ++i) {
      if (chance() >= threshold) continue;
      bob.flip(i);
      ++errors;
    }
    const std::uint64_t seed = chance();
    const double start = core_seconds();
    const auto result = reconcile(alice, bob, seed, qber);
    seconds += seconds_since(start);
    disclosed += result.disclosed;
    rounds += result.rounds;
    limit += bits * distill::binary_entropy(static_cast<double>(errors) / bits);
    failed += result.failed || !std::ranges::equal(alice.expose(), bob.expose()) ? 1 : 0;
  }
  print(std::format("cascade/qber={}/efficiency", qber), static_cast<double>(disclosed) / limit,
        "leaked bits per n h(Q)");
  print(std::format("cascade/qber={}/throughput", qber), static_cast<double>(bits) * frames / seconds, "bit/s");
  print(std::format("cascade/qber={}/rounds", qber), static_cast<double>(rounds) / frames, "a frame");
  print(std::format("cascade/qber={}/failed", qber), failed, "of 1000 frames");
}

/// 64-bit carry-less products a second, eight chains of four at a time.
[[gnu::target("avx512f,vpclmulqdq")]] double products_per_second() {
  constexpr std::uint64_t steps = 20'000'000;
  __m512i chains[8];
  for (int i = 0; i < 8; ++i) chains[i] = _mm512_set1_epi64(0x1E3779B97F4A7C15 + i);
  const double start = core_seconds();
  for (std::uint64_t step = 0; step < steps; ++step) {
    for (auto& chain : chains) chain = _mm512_clmulepi64_epi128(chain, chain, 0x10);
  }
  const double seconds = seconds_since(start);
  for (auto& chain : chains) asm volatile("" : : "v"(chain));
  return 8 * 4 * static_cast<double>(steps) / seconds;
}

/// Verification and transcript tags share one hash; beside it what the machine can do at most.
void hash() {
  std::mt19937_64 chance{46};
  constexpr std::size_t bytes = 1 << 20;  // a transcript message, or a block of 8 Mbit: it stays in the cache
  constexpr int passes = 200;
  const auto data = random_bits(8 * bytes, chance);
  crypto::HashKey key;
  for (auto& byte : key.fill()) byte = static_cast<std::byte>(chance());
  std::vector<double> throughput;
  std::vector<double> copied;
  crypto::SecretVector<std::uint64_t> copy(data.expose().size());
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    crypto::PolynomialHash polynomial{key};
    double start = core_seconds();
    for (int pass = 0; pass < passes; ++pass) polynomial.update(std::as_bytes(data.expose()));
    throughput.push_back(8.0 * passes * bytes / seconds_since(start));
    require(polynomial.blocks() == passes * bytes / 16, "blocks");
    start = core_seconds();
    for (int pass = 0; pass < passes; ++pass) {
      std::ranges::copy(data.expose(), copy.begin());
      asm volatile("" : : "r"(copy.data()) : "memory");
    }
    copied.push_back(8.0 * passes * bytes / seconds_since(start));
  }
  print("hash/throughput", median(throughput), "bit/s");
  print("machine/copy", median(copied), "bit/s");
  if (__builtin_cpu_supports("vpclmulqdq") != 0 && __builtin_cpu_supports("avx512f") != 0)
    print("machine/carryless", products_per_second(), "products/s");
}

/// Input bits a second, the drawing of the seed counted; 1,000 bits of the output are checked against the definition.
void amplify(std::size_t bits, int times) {
  constexpr int positions = 1000;
  std::mt19937_64 chance{43};
  crypto::SystemRandom random;
  const auto input = random_bits(bits, chance);
  const std::size_t length = bits * 2 / 5;
  std::vector<std::uint64_t> seed((crypto::toeplitz_seed_bits(bits, length) + 63) / 64);
  std::vector<double> throughput;
  for (int repetition = 0; repetition < times; ++repetition) {
    const double start = core_seconds();
    random.fill(std::as_writable_bytes(std::span{seed}));
    const auto key = crypto::toeplitz_hash(input, seed, length);
    throughput.push_back(static_cast<double>(bits) / seconds_since(start));
    if (repetition > 0) continue;
    for (int check = 0; check < positions; ++check) {
      const std::size_t i = chance() % length;
      require(key.get(i) == test::toeplitz_bit(input, seed, i), "an output bit is not the definition's");
    }
  }
  print(std::format("amplify/bits={}/throughput", bits), median(throughput), "bit/s");
}

/// Detections a second on one core, messages through their encoding, at the rate of detection of a fast link (0.16 a
/// slot) and of a slow one. A core has one end: the slower one is what sifting reaches.
void sift(double rate, const std::string& name) {
  constexpr double z_probability = 0.9;
  constexpr std::size_t detections = 100'000;
  constexpr int times = 100;
  distill::Parameters parameters;
  parameters.intensities = {0.5, 0.15};
  parameters.probabilities = {0.6, 0.4};
  const std::size_t intensities = distill::intensity_count(parameters.bound);
  const test::SyntheticSource source{parameters, z_probability, 47};
  std::mt19937_64 chance{47};
  hal::Slot slot = 0;
  const auto frame = test::detect(source, slot, detections, z_probability, 0.01, chance,
                                  [gap = std::geometric_distribution<std::uint64_t>{rate}](
                                      std::mt19937_64& generator) mutable { return gap(generator); });
  crypto::SecretVector<hal::Symbol> symbols;
  for (const auto& detection : frame.detections) symbols.push_back(source.symbol(detection.slot));
  double bob_seconds = 0;
  double alice_seconds = 0;
  std::size_t bytes = 0;
  for (int time = 0; time < times; ++time) {
    double start = core_seconds();
    const auto seen = distill::watched(frame);
    const auto question = distill::encode(seen.message);
    bob_seconds += seconds_since(start);
    start = core_seconds();
    const auto heard = distill::decode_sift(question).value();
    const auto told = distill::answer(heard, symbols, intensities);
    const auto hers = distill::sift(told.bits, heard.bases, told.reply);
    const auto reply = distill::encode(told.reply, intensities);
    alice_seconds += seconds_since(start);
    start = core_seconds();
    const auto his = distill::sift(seen.bits, seen.message.bases,
                                   distill::decode_sift_reply(reply, seen.message.bases, intensities).value());
    bob_seconds += seconds_since(start);
    require(hers.key.size_bits() == his.key.size_bits(), "equal counts");
    bytes = question.size() + reply.size();
  }
  constexpr double all = static_cast<double>(detections) * times;
  print(name + "/throughput", all / std::max(alice_seconds, bob_seconds), "detections/s");
  print(name + "/alice", all / alice_seconds, "detections/s");
  print(name + "/bob", all / bob_seconds, "detections/s");
  print(name + "/bits", 8 * static_cast<double>(bytes) / detections, "a detection");
}

}  // namespace

/// All parts, or those named.
int main(int count, char** words) {
  const bench::Parts part{count, words};
  bench::use_the_services_allocator();
  if (part("hash")) hash();
  if (part("sift")) {
    sift(0.16, "sift");
    sift(0.001, "sift/rate=0.001");
  }
  if (part("cascade")) {
    for (const double qber : {0.005, 0.01, 0.02, 0.03, 0.05}) cascade(qber);
  }
  if (part("amplify")) {
    amplify(1'000'000, 21);
    amplify(10'000'000, 5);
    amplify(100'000'000, 3);
  }
}
