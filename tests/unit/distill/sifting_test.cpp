// Sifting by words of 64 is what sifting one detection after the other is, in few bytes and one round trip.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "appliance/distill/binary_entropy.hpp"
#include "appliance/distill/gather.hpp"
#include "appliance/distill/sifting.hpp"
#include "tests/unit/distill/chain_pair.hpp"

namespace cloister::distill {
namespace {
using namespace test_pair;

Parameters two_decoys() {
  Parameters settings = parameters();
  settings.bound = Bound::lim2014;
  settings.intensities = {0.5, 0.1, 0.01};
  settings.probabilities = {0.3, 0.3, 0.4};
  return settings;
}

struct Frame {
  hal::DetectionFrame seen;
  crypto::SecretVector<hal::Symbol> symbols;
};

/// A receiver that clicks in a slot with probability `rate`.
Frame frame_of(const Parameters& settings, std::size_t detections, double rate, double z, double error,
               std::uint64_t seed) {
  const test::SyntheticSource source{settings, z, seed};
  std::mt19937_64 chance{seed};
  hal::Slot slot = std::uint64_t{1} << 40U;
  Frame out{.seen = test::detect(source, slot, detections, z, error, chance,
                                 [gap = std::geometric_distribution<std::uint64_t>{rate}](
                                     std::mt19937_64& generator) mutable { return gap(generator); }),
            .symbols = {}};
  for (const auto& detection : out.seen.detections) out.symbols.push_back(source.symbol(detection.slot));
  return out;
}

/// One detection after the other.
struct Twin {
  std::vector<bool> alice;
  std::vector<bool> bob;
  std::vector<std::uint8_t> intensities;
  BasisCounts test;
};

Twin twin_of(const Frame& frame) {
  Twin twin;
  for (std::size_t i = 0; i < frame.symbols.size(); ++i) {
    const auto& seen = frame.seen.detections[i];
    const auto& sent = frame.symbols[i];
    if (seen.basis != sent.basis || sent.intensity >= intensities_max) continue;
    if (seen.basis == hal::Basis::x) {
      ++twin.test.n[sent.intensity];
      twin.test.m[sent.intensity] += seen.bit != sent.bit ? 1 : 0;
      continue;
    }
    twin.alice.push_back(sent.bit != 0);
    twin.bob.push_back(seen.bit != 0);
    twin.intensities.push_back(sent.intensity);
  }
  return twin;
}

void check_key(const Sifted& sifted, const std::vector<bool>& key, const Twin& twin) {
  REQUIRE(sifted.key.size_bits() == key.size());
  for (std::size_t i = 0; i < key.size(); ++i) {
    REQUIRE(sifted.key.get(i) == key[i]);
    REQUIRE(sifted.decoys.get(i) + sifted.weaker.get(i) == twin.intensities[i]);
  }
  CHECK(sifted.test == twin.test);
}

TEST_CASE("Both boxes keep what one detection after the other gives, through the encoding", "[sifting]") {
  for (const std::size_t intensities : {2UZ, 3UZ}) {
    const Parameters settings = intensities == 3 ? two_decoys() : parameters();
    for (const std::size_t detections : {0UZ, 1UZ, 2UZ, 63UZ, 64UZ, 65UZ, 1000UZ, 30'000UZ}) {
      INFO(detections << " detections, " << intensities << " intensities");
      auto frame = frame_of(settings, detections, 0.01, 0.8, 0.03, detections);
      if (detections == 1000) frame.symbols[500].intensity = 3;  // a transmitter that is broken
      const auto twin = twin_of(frame);
      const auto bob = watched(frame.seen);
      const auto heard = decode_sift(encode(bob.message));
      REQUIRE(heard);
      CHECK(heard->epoch == 1);
      CHECK(heard->slots == bob.message.slots);
      CHECK(heard->bases == bob.message.bases);
      CHECK(heard->test_bits == bob.message.test_bits);
      const auto alice = answer(*heard, frame.symbols, intensities);
      const auto reply = decode_sift_reply(encode(alice.reply, intensities), bob.message.bases, intensities);
      REQUIRE(reply);
      check_key(sift(alice.bits, heard->bases, alice.reply), twin.alice, twin);
      check_key(sift(bob.bits, bob.message.bases, *reply), twin.bob, twin);
    }
  }
}

TEST_CASE("Both messages are within 15 % of the entropy of what they tell", "[sifting]") {
  constexpr std::size_t detections = 100'000;
  constexpr double error = 0.01;
  for (const std::size_t intensities : {2UZ, 3UZ}) {
    const Parameters settings = intensities == 3 ? two_decoys() : parameters();
    double light = 0;
    for (std::size_t k = 0; k < intensities; ++k) light += settings.probabilities[k] * settings.intensities[k];
    const double decoys = 1 - settings.probabilities[0] * settings.intensities[0] / light;
    const double weaker = settings.probabilities[2] * settings.intensities[2] / light;
    for (const double rate : {1e-5, 1e-3, 0.02, 0.16, 0.4}) {
      for (const double z : {0.5, 0.7, 0.9, 0.95}) {
        const auto frame = frame_of(settings, detections, rate, z, error, 5);
        const auto bob = watched(frame.seen);
        const auto sift_bytes = encode(bob.message);
        const auto reply_bytes = encode(answer(bob.message, frame.symbols, intensities).reply, intensities);
        const double x = 1 - z;
        const double told = binary_entropy(rate) / rate + binary_entropy(x) + x;
        const double kept_share = z * z + x * x;
        const double second = intensities == 3 ? decoys * binary_entropy(weaker / decoys) : 0;
        const double answered =
            binary_entropy(x) + kept_share * (binary_entropy(decoys) + second) + x * x * binary_entropy(error);
        INFO("rate " << rate << ", key basis " << z << ", " << intensities << " intensities: "
                     << 8.0 * static_cast<double>(sift_bytes.size()) / detections << " bits of " << told << ", "
                     << 8.0 * static_cast<double>(reply_bytes.size()) / detections << " bits of " << answered);
        CHECK(8 * static_cast<double>(sift_bytes.size()) < 1.15 * detections * told);
        CHECK(8 * static_cast<double>(reply_bytes.size()) < 1.15 * detections * answered);
        CHECK(8 * static_cast<double>(sift_bytes.size()) > 0.98 * detections * told);
      }
    }
  }
}

TEST_CASE("A frame takes one round trip: a SIFT and its reply", "[sifting]") {
  Pair pair{8, 0.003};
  std::vector<int> types;
  pair.meddle = [&](Send& send, std::size_t) { types.push_back(send.type); };
  pair.shine();
  pair.shine();
  CHECK(types == std::vector<int>{1, 2, 1, 2});
}

TEST_CASE("The portable and the BMI2 kernel gather the same bits", "[sifting]") {
  std::mt19937_64 chance{9};
  for (int round = 0; round < 500; ++round) {
    const std::size_t words = chance() % 40;
    std::vector<std::uint64_t> bits(words);
    std::vector<std::uint64_t> mask(words);
    for (auto& word : bits) word = chance();
    // Every kind of word: empty, full, half, thin.
    for (auto& word : mask) {
      const auto kind = chance() % 4;
      word = kind == 0 ? 0 : kind == 1 ? ~std::uint64_t{0} : kind == 2 ? chance() : chance() & chance() & chance();
    }
    std::vector<bool> expected;
    for (std::size_t i = 0; i < 64 * words; ++i) {
      if (((mask[i / 64] >> (i % 64)) & 1U) != 0) expected.push_back(((bits[i / 64] >> (i % 64)) & 1U) != 0);
    }
    std::vector<GatherKernel> kernels{gather_portable()};
    if (cpu_has_bmi2()) kernels.push_back(gather_bmi2());
    for (const auto kernel : kernels) {
      std::vector<std::uint64_t> out(words);
      REQUIRE(kernel(bits, mask, out) == expected.size());
      for (std::size_t i = 0; i < 64 * words; ++i)
        REQUIRE((((out[i / 64] >> (i % 64)) & 1U) != 0) == (i < expected.size() && expected[i]));
    }
  }
}

}  // namespace
}  // namespace cloister::distill
