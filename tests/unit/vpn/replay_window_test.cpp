// The replay window: a set of what was seen that forgets what is too old; by one thread and by several.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "appliance/vpn/replay_window.hpp"

namespace cloister::vpn {
namespace {

TEST_CASE("The replay window is a set of what was seen, and forgets what is too old", "[replay]") {
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{1} << 36U, (std::uint64_t{1} << 37U) - 100}) {
    std::mt19937_64 chance{5};
    ReplayWindow window{start};
    std::set<std::uint64_t> seen{start};
    std::uint64_t newest = start;
    for (int i = 0; i < 300'000; ++i) {
      const std::uint64_t reach = ReplayWindow::size + 900;
      const std::uint64_t around = newest > reach ? newest - reach : 0;
      const std::uint64_t sequence =
          chance() % 500 == 0 ? newest + chance() % (3 * ReplayWindow::size) : around + chance() % (reach + 100);
      // Within the window a number is told apart; behind it, it may be refused a word earlier than the ring is long.
      const bool old = sequence < newest && newest - sequence >= ReplayWindow::size;
      const bool fresh = sequence != 0 && !old && !seen.contains(sequence) &&
                         (start == 0 || sequence > start || start - sequence < ReplayWindow::size);
      REQUIRE(window.acceptable(sequence) == fresh);
      REQUIRE(window.accept(sequence) == fresh);
      if (fresh) seen.insert(sequence);
      newest = std::max(newest, fresh ? sequence : 0);
    }
    CHECK(window.newest() == newest);
  }
}

TEST_CASE("Of threads that bring the same numbers, one is told that they are new, each time", "[replay]") {
  constexpr std::uint64_t numbers = 200'000;
  constexpr std::size_t threads = 4;
  ReplayWindow window;
  std::vector<std::atomic<int>> taken(numbers + 1);
  {
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < threads; ++worker) {
      workers.emplace_back([&, worker] {
        std::mt19937_64 chance{worker};
        for (std::uint64_t at = 1; at <= numbers;) {
          // A stretch of the numbers in another order on each thread, as queues overtake each other.
          std::vector<std::uint64_t> stretch;
          for (; at <= numbers && stretch.size() < 200; ++at) stretch.push_back(at);
          std::ranges::shuffle(stretch, chance);
          for (const auto sequence : stretch) taken[sequence] += window.accept(sequence) ? 1 : 0;
        }
      });
    }
  }
  for (std::uint64_t sequence = 1; sequence <= numbers; ++sequence) REQUIRE(taken[sequence] <= 1);
  CHECK(window.newest() == numbers);
  for (std::uint64_t sequence = 1; sequence <= numbers; ++sequence) {
    if (taken[sequence] == 1) REQUIRE_FALSE(window.accept(sequence));
  }
}

TEST_CASE("Of a million replays none is accepted", "[replay]") {
  constexpr std::uint64_t numbers = 50'000;
  ReplayWindow window;
  for (std::uint64_t sequence = 1; sequence <= numbers; ++sequence) REQUIRE(window.accept(sequence));
  std::atomic<int> accepted = 0;
  {
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < 4; ++worker) {
      workers.emplace_back([&, worker] {
        std::mt19937_64 chance{worker};
        for (int i = 0; i < 250'000; ++i) accepted += window.accept(1 + chance() % numbers) ? 1 : 0;
      });
    }
  }
  CHECK(accepted == 0);
}

}  // namespace
}  // namespace cloister::vpn
