// Each attack: how it is found, in how many blocks, what Eve knows of the keys that were made all the same, and that she
// wins where the defence is taken away.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "tests/attack/attacked_link.hpp"

namespace cloister::test {
namespace {

using hal::Basis;
using hal::fibre::Blinding;
using hal::fibre::EveBasis;
using hal::fibre::InterceptResend;
using hal::fibre::PhotonNumberSplitting;

InterceptResend intercept(double fraction, EveBasis basis = EveBasis::random) {
  return {.fraction = fraction, .basis = basis, .mean_photons = 0};
}

PhotonNumberSplitting split(double fraction, bool keeps_rate) {
  return {.fraction = fraction, .keeps_rate = keeps_rate};
}

/// Mean of the lengths of the blocks that have ended; a dropped one counts 0.
double mean_length(const LitLink& link) {
  double bits = 0;
  for (const auto& block : link.ended)
    if (block.key) bits += static_cast<double>(block.account.length_bits);
  return bits / static_cast<double>(link.ended.size());
}

}  // namespace

TEST_CASE("Intercept and resend: the error rate rises by 1/4 - e/2 of the fraction, within 2 %") {
  double with_product = 0;
  double with_square = 0;
  double quiet = 0;
  for (const double fraction : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    LitLink link{glass(), source(), parameters(), 11};
    link.fibre.disturb(eve(intercept(fraction)));
    link.shine_for(0.25);  // 1e6 clicks
    if (fraction == 0) quiet = link.tally.error_rate();
    with_product += fraction * (link.tally.error_rate() - quiet);
    with_square += fraction * fraction;
  }
  const double slope = with_product / with_square;
  INFO("error rate without Eve " << quiet << ", slope " << slope);
  CHECK(std::abs(slope / (0.25 - quiet / 2) - 1) < 0.02);
}

TEST_CASE("Intercept and resend: the key shrinks with the fraction, and she knows less than the account charges") {
  double last = 1e9;
  double quiet_errors = 0;
  for (const double fraction : {0.0, 0.01, 0.03, 0.05}) {
    INFO("fraction " << fraction);
    LitLink link{glass(), source(), parameters(), 12};
    link.fibre.disturb(eve(intercept(fraction)));
    link.shine(2);
    CHECK(link.keys() == 2);
    CHECK(mean_length(link) < last);
    last = mean_length(link);
    for (const auto& block : link.ended) check_account_covers(block);
    CHECK(link.alarms.empty());
    if (fraction == 0) quiet_errors = link.tally.error_rate(Basis::x);
    if (fraction < 0.05) continue;
    // The defence off: who takes the test basis for what it is on a quiet link leaves in the key what she has learnt.
    const auto& block = link.ended[0];
    auto account = block.account;
    for (std::size_t k = 0; k < 2; ++k)
      account.test.m[k] = static_cast<std::uint64_t>(quiet_errors * static_cast<double>(account.test.n[k]));
    const auto length = distill::with_secret_length(account).length_bits;
    INFO("without the test " << length << ", with it " << block.account.length_bits << ", she knows "
                             << block.known_to_eve);
    CHECK(length > block.account.length_bits + block.known_to_eve);
  }
}

TEST_CASE("Intercept and resend: half of the pulses or more leave no key") {
  const double fraction = GENERATE(0.5, 0.75, 1.0);
  LitLink link{glass(), source(), parameters(), 13};
  link.fibre.disturb(eve(intercept(fraction)));
  link.shine(3);
  CHECK(link.keys() == 0);
}

TEST_CASE("Eve who measures in Z alone is seen in X, not in Z") {
  LitLink link{glass(), source(), parameters(), 14};
  link.fibre.disturb(eve(intercept(1, EveBasis::z)));
  link.shine(2);
  CHECK(link.keys() == 0);
  CHECK(link.tally.error_rate(Basis::z) < 0.015);
  CHECK(std::abs(link.tally.error_rate(Basis::x) - 0.5) < 0.02);

  // The defence off: an estimate of the phase error from the key basis makes a key, all of which she knows.
  auto parameters_without = parameters();
  parameters_without.qber_limit = 0.6;
  LitLink without{glass(), source(), parameters_without, 14};
  without.fibre.disturb(eve(intercept(1, EveBasis::z)));
  without.shine(1);
  auto account = without.ended[0].account;
  account.test = account.key;
  CHECK(distill::with_secret_length(account).length_bits > 100'000);
  CHECK(static_cast<double>(without.ended[0].known_to_eve) > 0.99 * static_cast<double>(account.key.detections()));
}

TEST_CASE("Photon-number splitting leaves no key where decoys are counted, and no error") {
  const double length_km = GENERATE(50.0, 75.0, 100.0);
  const bool keeps_rate = length_km < 80;
  INFO(length_km << " km, the signal's rate " << (keeps_rate ? "kept" : "not kept"));
  LitLink quiet{glass(length_km), source(), parameters(), 15};
  quiet.shine(1);
  REQUIRE(quiet.keys() == 1);
  const auto& honest = quiet.ended[0].account;

  LitLink link{glass(length_km), source(), parameters(), 15};
  link.fibre.disturb(eve(split(1, keeps_rate)));
  link.shine(1);
  CHECK(link.keys() == 0);
  CHECK(link.tally.error_rate() < 0.015);

  // The defence off: whoever counts signals alone takes the decoys' share for what it is on a quiet link.
  const auto& attacked = link.ended[0];
  auto account = attacked.account;
  const double all = static_cast<double>(account.key.detections());
  const auto as_if_quiet = [&](distill::BasisCounts& counts, const distill::BasisCounts& like) {
    const double scale = static_cast<double>(counts.detections()) / static_cast<double>(like.detections());
    for (std::size_t k = 0; k < 2; ++k) {
      counts.n[k] = static_cast<std::uint64_t>(scale * static_cast<double>(like.n[k]));
      counts.m[k] = static_cast<std::uint64_t>(scale * static_cast<double>(like.m[k]));
    }
  };
  as_if_quiet(account.key, honest.key);
  as_if_quiet(account.test, honest.test);
  const auto length = static_cast<double>(distill::with_secret_length(account).length_bits);
  INFO("would be secret " << length << ", known to Eve " << attacked.known_to_eve << " of " << all);
  CHECK(length > 0);
  CHECK(length + static_cast<double>(attacked.known_to_eve) > all);
}

TEST_CASE("Photon-number splitting of a part of the pulses costs at least what she learns") {
  LitLink quiet{glass(), source(), parameters(), 16};
  quiet.shine(3);
  for (const double fraction : {0.1, 0.3}) {
    INFO("fraction " << fraction);
    LitLink link{glass(), source(), parameters(), 16};
    link.fibre.disturb(eve(split(fraction, true)));
    link.shine(3);
    CHECK(mean_length(link) < mean_length(quiet));
    for (const auto& block : link.ended)
      if (block.key) check_account_covers(block);
  }
}

TEST_CASE("A fibre that loses more light is no attack") {
  LitLink bent{glass(65), source(), parameters(), 17};
  bent.shine(3);
  CHECK(bent.keys() == 3);
  CHECK(bent.alarms.empty());
}

TEST_CASE("Blinding is found by the missing double clicks before the block is a key") {
  const double length_km = GENERATE(10.0, 50.0, 75.0);
  INFO(length_km << " km");
  LitLink link{glass(length_km), source(), parameters(), 18, {.meters = false}};
  link.shine(2);
  REQUIRE(link.keys() == 2);
  link.fibre.disturb(eve(Blinding{.fraction = 1}));
  link.shine_for(link.seconds());
  CHECK(link.keys() == 2);
  REQUIRE_FALSE(link.alarms.empty());
  CHECK(link.alarms[0].contains("blinded"));
  CHECK(link.alarm_at[0] == 2);
  REQUIRE(link.ended.size() == 3);
  CHECK(link.ended[2].text.contains("blinded"));

  link.fibre.disturb({});  // she leaves: keys again, by itself
  link.shine(2);
  CHECK(link.ended.back().key);
  CHECK(link.ended.back().known_to_eve == 0);

  LitLink without{glass(length_km), source(), parameters(), 18, {.watch = false}};
  without.fibre.disturb(eve(Blinding{.fraction = 1}));
  without.shine(2);
  CHECK(without.keys() == 2);
  CHECK(without.tally.error_rate() == 0);
  for (const auto& block : without.ended) CHECK(block.known_to_eve == block.account.key.detections());
}

TEST_CASE("Blinding of three quarters of the pulses is found within two blocks") {
  LitLink link{glass(), source(), parameters(), 21, {.meters = false}};
  link.fibre.disturb(eve(Blinding{.fraction = 0.75}));
  link.shine_for(1);
  REQUIRE_FALSE(link.alarms.empty());
  CHECK(link.alarm_at[0] <= 1);
  CHECK(link.keys() <= 1);
}

TEST_CASE("Bright pulses make errors and too many double clicks, and win where double clicks are dropped") {
  const InterceptResend bright{.fraction = 1, .basis = EveBasis::random, .mean_photons = 100};
  LitLink link{glass(), source(), parameters(), 19};
  link.fibre.disturb(eve(bright));
  link.shine_for(1);
  CHECK(link.keys() == 0);
  CHECK(link.tally.error_rate() > 0.15);
  CHECK_FALSE(link.alarms.empty());
  CHECK(link.alarms[0].contains("brighter"));

  LitLink without{glass(), source(), parameters(), 19, {.watch = false, .double_clicks_kept = false}};
  without.fibre.disturb(eve(bright));
  without.shine(2);
  INFO("error rate " << without.tally.error_rate());
  CHECK(without.keys() == 2);
  for (const auto& block : without.ended)
    CHECK(block.account.length_bits + block.known_to_eve > block.account.key.detections());
}

TEST_CASE("A cut fibre, stray light, a delayed clock and old clicks give no key, and keys come again by themselves") {
  struct Case {
    const char* name;
    hal::fibre::Disturbance disturbance;
    double error_rate;
  };
  const auto& [name, disturbance, error_rate] = GENERATE(values<Case>({
      {"cut", {.eve = {}, .cut = true}, 0.5},
      {"stray light", {.eve = {}, .cut = false, .noise = 1e-2}, 0.45},
      {"delayed clock", {.eve = {}, .cut = false, .noise = 0, .sync_shift = 3}, 0.5},
      {"old clicks", {.eve = {}, .cut = false, .noise = 0, .sync_shift = 0, .replay = true}, 0.5},
  }));
  INFO(name);
  LitLink link{glass(), source(), parameters(), 20};
  link.shine(1);
  REQUIRE(link.keys() == 1);
  link.tally = {};
  link.fibre.disturb(disturbance);
  link.shine_for(1);
  CHECK(link.keys() == 1);
  INFO("error rate " << link.tally.error_rate() << " of " << link.tally.matching[0]);
  if (link.tally.matching[0] > 10'000) CHECK(std::abs(link.tally.error_rate() - error_rate) < 0.06);

  link.fibre.disturb({});
  link.shine(3);
  CHECK(link.ended.back().key);
}

}  // namespace cloister::test
