// Cascade: all errors found, all that was disclosed counted, and an end to every run.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "appliance/distill/binary_entropy.hpp"
#include "appliance/distill/cascade.hpp"

namespace cloister::distill {
namespace {

struct Run {
  bool equal = false;
  bool failed = false;
  std::size_t disclosed = 0;
  std::size_t errors = 0;
  std::size_t corrected = 0;
  std::size_t rounds = 0;
};

Run run(std::size_t bits, double qber, double guess, std::uint64_t seed) {
  std::mt19937_64 chance{seed};
  crypto::SecretBits alice{bits};
  crypto::SecretBits bob{bits};
  Run result;
  for (std::size_t i = 0; i < bits; ++i) {
    const bool bit = (chance() & 1U) != 0;
    const bool error = static_cast<double>(chance() >> 11U) * 0x1p-53 < qber;
    alice.set(i, bit);
    bob.set(i, bit != error);
    result.errors += error ? 1 : 0;
  }
  CascadeReference reference{alice.expose(), seed};
  CascadeCorrector corrector{bob, seed, guess};
  for (;;) {
    const auto step = corrector.next_step();
    result.failed = step.failed;
    if (step.done || step.failed) break;
    if (step.pass_block_words) {
      const auto parities = reference.begin_pass(*step.pass_block_words);
      result.disclosed += parities.size();
      REQUIRE(corrector.on_pass_parities(parities));
      continue;
    }
    const auto answers = reference.answer(step.questions);
    REQUIRE(answers);
    result.disclosed += answers->size();
    REQUIRE(corrector.on_answers(*answers));
  }
  result.equal = std::ranges::equal(alice.expose(), bob.expose());
  result.corrected = corrector.corrected().size();
  result.rounds = corrector.rounds();
  return result;
}

TEST_CASE("Errors at the rates of real links are all corrected, within 25 % of Shannon's limit", "[cascade]") {
  for (const double qber : {0.005, 0.01, 0.02, 0.05, 0.08}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      INFO("QBER " << qber << ", seed " << seed);
      const auto result = run(100'000, qber, qber, seed);
      CHECK(result.equal);
      CHECK(result.corrected >= result.errors);
      const double limit = 100'000 * binary_entropy(static_cast<double>(result.errors) / 100'000);
      CHECK(static_cast<double>(result.disclosed) < 1.25 * limit);
      CHECK(static_cast<double>(result.disclosed) > limit);  // less than the limit would be a miscount
    }
  }
}

TEST_CASE("A wrong guess of the error rate costs efficiency, not correctness", "[cascade]") {
  CHECK(run(50'000, 0.03, 0.005, 1).equal);
  CHECK(run(50'000, 0.005, 0.08, 2).equal);
  CHECK(run(50'000, 0, 0.01, 3).equal);
}

TEST_CASE("A block of several frames is corrected in all of them, in as many rounds as one frame", "[cascade]") {
  // 2, 3 and 4 frames, the last one shorter than the others.
  for (const std::size_t bits : {600'001UZ, 900'000UZ, 1'048'577UZ}) {
    for (const double qber : {0.01, 0.04}) {
      INFO(bits << " bits, QBER " << qber);
      const auto result = run(bits, qber, qber, bits);
      CHECK(result.equal);
      const double all = static_cast<double>(bits);
      const double limit = all * binary_entropy(static_cast<double>(result.errors) / all);
      CHECK(static_cast<double>(result.disclosed) < 1.1 * limit);
      CHECK(static_cast<double>(result.disclosed) > limit);
      CHECK(result.rounds < 700);
    }
  }
}

TEST_CASE("A question that reaches over the end of its frame is not answered", "[cascade]") {
  const crypto::SecretBits bits{std::size_t{64} * 10'001};  // two frames: 5,001 words and 5,000
  CascadeReference reference{bits.expose(), 1};
  CHECK(reference.begin_pass(5'002).size() == 0);
  CHECK(reference.begin_pass(16).size() == std::size_t{64} * (313 + 313));
  const auto answered = [&reference](std::uint32_t first, std::uint32_t last) {
    const ParityQuestion question{0, {0, first, last}};
    return reference.answer(std::span{&question, 1}).has_value();
  };
  CHECK(answered(5'000, 5'001));
  CHECK(answered(5'001, 5'002));
  CHECK_FALSE(answered(5'000, 5'002));
  CHECK(answered(10'000, 10'001));
  CHECK_FALSE(answered(10'000, 10'002));
  CHECK_FALSE(answered(10'001, 10'002));
  CHECK_FALSE(answered(10'002, 10'003));
}

TEST_CASE("Short blocks of any length are corrected", "[cascade]") {
  for (std::size_t bits = 1; bits < 400; bits += 13) CHECK(run(bits, 0.02, 0.02, bits).equal);
}

TEST_CASE("Blocks that have nothing in common come to an end too", "[cascade]") {
  const auto result = run(2'000, 0.5, 0.05, 4);
  CHECK((result.equal || result.failed));
}

TEST_CASE("The reference answers nothing outside its block or before its pass", "[cascade]") {
  const crypto::SecretBits bits{640};
  CascadeReference reference{bits.expose(), 1};
  const auto answered = [&reference](const ParityQuestion& question) {
    return reference.answer(std::span{&question, 1}).has_value();
  };
  CHECK_FALSE(answered({0, {0, 0, 1}}));
  CHECK(reference.begin_pass(4).size() > 0);
  CHECK(answered({0, {0, 0, 1}}));
  CHECK(answered({0, {63, 9, 10}}));
  CHECK_FALSE(answered({0, {64, 0, 1}}));
  CHECK_FALSE(answered({0, {0, 0, 11}}));
  CHECK_FALSE(answered({0, {0, 5, 5}}));
  CHECK_FALSE(answered({0, {0, 6, 5}}));
  CHECK_FALSE(answered({1, {0, 0, 1}}));
  CHECK(reference.begin_pass(0).size() == 0);
  for (std::size_t i = 1; i < cascade_passes_max; ++i) CHECK(reference.begin_pass(4).size() > 0);
  CHECK(reference.begin_pass(4).size() == 0);
}

}  // namespace
}  // namespace cloister::distill
