// Errors are few, however many packets would have one.
#include "appliance/vpn/answer_limit.hpp"

#include <catch2/catch_test_macros.hpp>

namespace cloister::vpn {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Fifty errors at once, then one each five milliseconds, and fifty again after a rest", "[vpn]") {
  AnswerLimit limit;
  auto now = std::chrono::steady_clock::time_point{1h};
  const auto taken = [&](int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += limit.take(now) ? 1 : 0;
    return count;
  };
  CHECK(taken(1000) == 50);
  now += 4ms;
  CHECK(taken(10) == 0);
  now += 1ms;
  CHECK(taken(10) == 1);
  now += 100ms;
  CHECK(taken(1000) == 20);
  now += 1h;
  CHECK(taken(1000) == 50);
}

}  // namespace
}  // namespace cloister::vpn
