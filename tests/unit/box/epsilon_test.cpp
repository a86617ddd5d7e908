// The epsilon of a link's life: shared out over the blocks that are planned, added up over those that were tried.
#include <algorithm>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "appliance/box/epsilon_file.hpp"
#include "appliance/box/epsilon_total.hpp"
#include "appliance/distill/epsilon_plan.hpp"

namespace cloister::box {
namespace {
using Catch::Approx;
using Change = EpsilonTotal::Change;

TEST_CASE("A budget of 1e-6 for ten years at 30 blocks a second leaves about 1e-16 to a block") {
  const distill::EpsilonPlan plan;
  CHECK(plan.per_block() == Approx(1.056e-16).epsilon(1e-3));
  CHECK(plan.eps_sec() + plan.eps_cor() == Approx(plan.per_block()));
  CHECK(plan.per_block() * 30 * 3600 * 24 * 3652.5 == Approx(1e-6));
}

TEST_CASE("The total is booked before it is spent, and a later life begins at what was booked") {
  EpsilonTotal total{1e-6, 1e-12, 0};
  double booked = 0;
  for (int block = 1; block <= 2500; ++block) {
    if (const auto now = total.to_book()) total.on_booked(booked = *now);
    CHECK(total.add_block() == Change::none);
    REQUIRE(total.total() <= booked * (1 + 1e-9));
  }
  CHECK(total.total() == Approx(2500e-12));
  CHECK(booked <= total.total() + 101e-12);  // of 1e6 blocks, a ten-thousandth
  EpsilonTotal next{1e-6, 1e-12, booked};
  CHECK(next.total() == booked);
  CHECK(next.to_book());
}

TEST_CASE("A booking that failed stays due") {
  EpsilonTotal total{1e-6, 1e-12, 0};
  REQUIRE(total.to_book());
  static_cast<void>(total.add_block());
  const auto again = total.to_book();
  REQUIRE(again);
  total.on_booked(*again);
  CHECK_FALSE(total.to_book());
}

TEST_CASE(
    "A link with a handful of blocks in its life books block by block, and begins over its budget with an alarm") {
  const EpsilonTotal few{1e-6, 1e-6 / 300, 0};
  CHECK(few.to_book().value() == Approx(1e-6 / 300));
  EpsilonTotal over{1e-6, 1e-12, 2e-6};
  CHECK(over.add_block() == Change::spent);
  CHECK(over.add_block() == Change::none);
}

TEST_CASE("Near the budget and above it there is one alarm each") {
  EpsilonTotal total{1.0, 0.0999, 0};
  std::vector<Change> changes;
  for (int block = 1; block <= 20; ++block) changes.push_back(total.add_block());
  CHECK(std::ranges::count(changes, Change::low) == 1);
  CHECK(std::ranges::count(changes, Change::spent) == 1);
  CHECK(changes[8] == Change::low);     // 0.899
  CHECK(changes[10] == Change::spent);  // 1.099
}

TEST_CASE("The file keeps the number, and one that holds something else is refused") {
  std::string directory = (std::filesystem::temp_directory_path() / "cloister-epsilon-XXXXXX").string();
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const auto path = std::filesystem::path{directory} / "link.epsilon";
  CHECK(read_epsilon(path).value() == 0);
  REQUIRE(write_epsilon(path, 1.0557e-13));
  CHECK(read_epsilon(path).value() == 1.0557e-13);
  for (const char* text : {"", "x", "-1", "1e-9 1", "nan"}) {
    std::ofstream{path, std::ios::trunc} << text;
    CHECK_FALSE(read_epsilon(path).has_value());
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace cloister::box
