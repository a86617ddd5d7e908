// Attacks that a window of clicks shows, on blocks that are whole before the window ends: the quarantine keeps them back.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/attack/attacked_link.hpp"

namespace cloister::test {
namespace {
using namespace std::chrono_literals;

using hal::fibre::Blinding;

/// Of three quarters of the pulses, which double clicks alone tell of, and in small blocks, of which a window has several.
const auto attack = eve(Blinding{.fraction = 0.75});

distill::Parameters small_blocks() {
  auto small = parameters();
  small.eps_sec = 1e-3;
  small.block_bits = 150'000;
  return small;
}

LitLink link_with(std::chrono::milliseconds quarantine, double length_km = 50) {
  return LitLink{glass(length_km), source(), small_blocks(), 61, {.meters = false, .quarantine = quarantine}};
}

/// How many keys she knows of.
auto known_keys(const LitLink& link) { return std::ranges::count_if(link.ended, she_wins); }

/// After quiet blocks, and in the middle of a window.
void begin_attack(LitLink& link, double quiet_seconds) {
  link.shine_for(quiet_seconds);
  REQUIRE(link.keys() > 0);
  REQUIRE(link.alarms.empty());
  link.disturb(attack);
}

}  // namespace

TEST_CASE("Blocks that were whole before an attack was found are not keys where they were quarantined") {
  auto link = link_with(1s);
  begin_attack(link, 1.5);
  const auto whole = link.ended.size();
  link.shine_for(1);
  REQUIRE(has_alarm(link, "blinded"));
  CHECK(link.alarm_at[0] > whole);  // blocks of her light were made by then
  CHECK(known_keys(link) == 0);
  CHECK(std::ranges::any_of(
      link.ended, [](const auto& block) { return block.text.contains("blinded") && block.account.length_bits > 0; }));
  link.disturb({});
  const auto before = link.keys();
  link.shine_for(3);
  CHECK(link.keys() > before);
  CHECK(known_keys(link) == 0);

  auto without = link_with(0ms);
  begin_attack(without, 0.5);
  without.shine_for(1);
  REQUIRE(has_alarm(without, "blinded"));
  CHECK(known_keys(without) > 0);
}

TEST_CASE("Who cuts the fibre before her attack is found gets no key by waiting") {
  for (const auto quarantine : {2000ms, 0ms}) {
    INFO("quarantine of " << quarantine.count() << " ms");
    auto link = link_with(quarantine, 75);
    begin_attack(link, 3);
    const auto whole = link.ended.size();
    link.shine_for(0.5);
    REQUIRE(link.alarms.empty());
    CHECK(link.ended.size() > whole);
    link.disturb({.eve = {}, .cut = true});
    link.shine_for(10);
    CHECK((known_keys(link) > 0) == (quarantine == 0ms));
  }
}

}  // namespace cloister::test
