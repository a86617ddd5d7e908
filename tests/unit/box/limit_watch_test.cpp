// The watch over a figure's limit: raised after its time, ended with room to spare, and not before it was ever good.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "appliance/box/limit_watch.hpp"

namespace cloister::box {
namespace {
using namespace std::chrono_literals;

/// A figure a second: 'r' where the alarm is raised, 'e' where it ends.
std::string course(LimitWatch::Limits limits, const std::vector<double>& figures) {
  LimitWatch watch{limits};
  LimitWatch::Instant now{};
  std::string out;
  for (const double figure : figures) {
    const auto change = watch.sample(figure, now);
    out += change == LimitWatch::Change::raised ? 'r' : change == LimitWatch::Change::ended ? 'e' : '-';
    now += 1s;
  }
  return out;
}

TEST_CASE("A figure that is bad when high is an alarm above its limit, until it is well below", "[box]") {
  const LimitWatch::Limits limits{.raised_at = 10, .ended_at = 9, .after = 0ms, .once_good = false};
  CHECK(course(limits, {5, 10, 11, 12, 9.5, 11, 9, 9.5, 11}) == "--r---e-r");
  CHECK(course(limits, {11}) == "r");
}

TEST_CASE("A figure that is bad when low is an alarm only once it was good", "[box]") {
  const LimitWatch::Limits limits{.raised_at = 60, .ended_at = 120, .after = 0ms, .once_good = true};
  CHECK(course(limits, {0, 59, 119, 59, 120, 59, 100, 120, 60, 59}) == "-----r-e-r");
}

TEST_CASE("An alarm waits until the figure was beyond its limit for so long, without a break", "[box]") {
  const LimitWatch::Limits limits{.raised_at = 10, .ended_at = 9, .after = 2000ms, .once_good = false};
  CHECK(course(limits, {11, 11, 10, 11, 11, 11, 11, 8}) == "-----r-e");
}

}  // namespace
}  // namespace cloister::box
