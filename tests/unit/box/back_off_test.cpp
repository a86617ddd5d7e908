// Attempts become rarer, up to a bound, and two boxes do not make them in step.
#include "appliance/box/back_off.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>

#include "tests/seeded_random.hpp"

namespace cloister::box {
namespace {
using namespace std::chrono_literals;

TEST_CASE("A wait is a second, doubled up to a minute, less a quarter at most", "[box]") {
  test::SeededRandom random{3};
  BackOff back_off;
  for (const auto whole : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s}) {
    const auto wait = back_off.next(random);
    CHECK(wait <= whole);
    CHECK(wait > whole * 3 / 4 - 1ms);
  }
  back_off.reset();
  CHECK(back_off.next(random) <= 1s);
}

TEST_CASE("Two boxes that began to wait at once do not end at once", "[box]") {
  std::set<std::chrono::milliseconds> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    test::SeededRandom random{seed};
    waits.insert(BackOff::jittered(60s, random));
  }
  CHECK(waits.size() > 90);
  CHECK(*waits.rbegin() - *waits.begin() > 10s);
}

}  // namespace
}  // namespace cloister::box
