// Attacks that make no error and leave the clicks' numbers alone: found by the devices' own meters. Each in three parts: it is
// found in time, an untouched link is not (also quiet_links_test.cpp), and with the defence away it is seen to win.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/attack/attacked_link.hpp"

namespace cloister::test {
namespace {

using hal::fibre::BeamSplitting;
using hal::fibre::Blinding;
using hal::fibre::Disturbance;
using hal::fibre::TimeShift;
using hal::fibre::TrojanHorse;

/// Found within the block that was being filled, after a quiet one; no key comes of what follows, and keys again when she has left.
void check_found(LitLink& link, const Disturbance& attack, std::string_view word, double within_seconds) {
  link.shine(1);
  REQUIRE(link.keys() == 1);
  REQUIRE(link.alarms.empty());
  link.disturb(attack);
  link.shine_for(within_seconds);
  INFO("first alarm: " << (link.alarms.empty() ? "none" : link.alarms[0]));
  REQUIRE(has_alarm(link, word));
  CHECK(link.alarm_at[0] == 1);
  link.shine_for(2);
  CHECK(link.keys() == 1);
  CHECK(link.tally.error_rate() < 0.03);

  link.disturb({});
  link.shine_for(1.1);  // until it is trusted again
  link.shine(2);
  CHECK(link.ended.back().key);
  CHECK(link.ended.back().known_to_eve == 0);
}

}  // namespace

TEST_CASE("Blinding is found by the detectors' current within 10 ms") {
  LitLink link{gated(), source(), parameters(), 41};
  check_found(link, eve(Blinding{.fraction = 1}), "A through the detectors", 0.01);
}

TEST_CASE("Pulsed blinding leaves the current alone and is found by when the clicks come, within the block") {
  const auto behind = eve(Blinding{.fraction = 1, .pulsed = true, .arrival_seconds = 1e-9});
  LitLink link{gated(), source(), parameters(), 42};
  check_found(link, behind, "other times", 0.1);
  CHECK_FALSE(has_alarm(link, "A through the detectors"));

  LitLink without{gated(), source(), parameters(), 42, {.watch = false}};
  without.disturb(behind);
  without.shine(1);
  REQUIRE(without.keys() == 1);
  CHECK(without.tally.error_rate() == 0);
  CHECK(without.ended[0].known_to_eve == without.ended[0].account.key.detections());
}

TEST_CASE(
    "Dimmed gates alone find bright pulses in half of the slots, and not those of two energies, which double clicks "
    "find") {
  // In the middle of the gates, and without a current to show.
  LitLink link{gated(), source(), parameters(), 43};
  link.disturb(eve(Blinding{.fraction = 0.5, .pulsed = true}));
  link.shine_for(0.5);
  REQUIRE_FALSE(link.alarms.empty());
  CHECK(link.alarms[0].contains("dimmed"));  // the double clicks find it later

  LitLink clever{gated(), source(), parameters(), 44};
  clever.disturb(eve(Blinding{.fraction = 1, .pulsed = true, .two_energies = true}));
  clever.shine_for(1);
  CHECK_FALSE(has_alarm(clever, "dimmed"));
  CHECK(has_alarm(clever, "blinded"));
  CHECK(clever.keys() == 0);
}

TEST_CASE("A time shift makes no error and no bias, and is found by when the clicks come, within the block") {
  // Detectors as unlike as no vendor would sell them, for Eve to have something of it.
  const auto unlike = gated(75, 360e-12);
  const auto shift = eve(TimeShift{.fraction = 1, .shift_seconds = 820e-12});
  LitLink link{unlike, source(), parameters(), 45};
  check_found(link, shift, "other times", 0.2);
  CHECK_FALSE(has_alarm(link, "favoured"));

  LitLink without{unlike, source(), parameters(), 45, {.watch = true, .meters = false}};
  without.disturb(shift);
  without.shine(1);
  CHECK(without.alarms.empty());
  CHECK(without.tally.error_rate() < 0.03);
  CHECK(she_wins(without.ended[0]));
}

TEST_CASE("A Trojan horse is found by the light it brings, and what was open gives no key") {
  const auto probe = eve(TrojanHorse{.fraction = 1, .photons = 3});
  LitLink link{gated(), source(), parameters(), 46};
  check_found(link, probe, "reads its settings", 0.01);
  CHECK(std::ranges::any_of(link.ended, [](const auto& block) { return block.text.contains("signs"); }));

  LitLink without{gated(), source(), parameters(), 46, {.watch = true, .meters = false}};
  without.disturb(probe);
  without.shine(1);
  CHECK(without.alarms.empty());
  CHECK(she_wins(without.ended[0]));
}

TEST_CASE("Laser seeding is found at the transmitter's output; splitting what is lost alone is charged for") {
  LitLink link{gated(), source(), parameters(), 47};
  check_found(link, eve(BeamSplitting{.fraction = 1, .gain = 1.1}), "output", 0.01);

  LitLink without{gated(), source(), parameters(), 47, {.watch = true, .meters = false}};
  without.disturb(eve(BeamSplitting{.fraction = 1, .gain = 3}));
  without.shine(1);
  CHECK(without.alarms.empty());
  CHECK(she_wins(without.ended[0]));

  LitLink split{gated(), source(), parameters(), 47};
  split.disturb(eve(BeamSplitting{.fraction = 1, .gain = 1}));
  split.shine(2);
  CHECK(split.alarms.empty());
  CHECK(split.keys() == 2);
  for (const auto& block : split.ended) check_account_covers(block);
}

TEST_CASE("Weak randomness of the transmitter is found in what it sends") {
  Disturbance weak;
  weak.weak_randomness = 0.9;
  LitLink link{gated(), source(), parameters(), 48};
  check_found(link, weak, "randomness has failed", 0.01);

  LitLink without{gated(), source(), parameters(), 48, {.watch = false}};
  without.disturb(weak);
  without.shine(1);
  CHECK(without.tally.error_rate() < 0.03);
  CHECK(she_wins(without.ended[0]));
}

TEST_CASE("Old clicks are found by themselves, before their errors are") {
  Disturbance old;
  old.replay = true;
  // With meters, which count no click where the device reports thousands, and without.
  for (const bool meters : {true, false}) {
    INFO("meters " << meters);
    LitLink link{gated(), source(), parameters(), 49, {.meters = meters}};
    link.shine(1);
    link.disturb(old);
    link.shine_for(0.01);
    REQUIRE(has_alarm(link, meters ? "clicks where it reports" : "reported before"));
    CHECK(link.alarm_at[0] == 1);
    link.shine_for(1);
    CHECK(link.keys() == 1);
  }
}

TEST_CASE(
    "Light that no meter has spoken of makes no key, on the fastest link too, however soon the meters speak again") {
  auto probe = eve(TrojanHorse{.fraction = 1, .photons = 3});
  probe.silence = true;
  LitLink link{gated(10), source(), parameters(), 51};
  link.shine(1);
  REQUIRE(link.keys() == 1);
  link.disturb(probe);
  link.shine_for(0.09);  // more than a block, and no alarm yet
  CHECK(link.alarms.empty());
  CHECK(link.keys() <= 2);  // what was in the making
  const auto before = link.keys();
  link.disturb({});
  link.shine(2);
  CHECK(link.keys() == before + 2);
  CHECK(link.alarms.empty());

  LitLink without{gated(10), source(), parameters(), 51, {.watch = true, .meters = false}};
  without.disturb(probe);
  without.shine(1);
  CHECK(she_wins(without.ended[0]));
}

TEST_CASE("Meters that fall silent are an alarm; without the rule a Trojan horse behind them wins") {
  auto probe = eve(TrojanHorse{.fraction = 1, .photons = 3});
  probe.silence = true;
  LitLink link{gated(), source(), parameters(), 50};
  check_found(link, probe, "says nothing", 0.11);

  LitLink without{gated(), source(), parameters(), 50, {.watch = true, .meters = false}};
  without.disturb(probe);
  without.shine(1);
  CHECK(she_wins(without.ended[0]));
}

}  // namespace cloister::test
