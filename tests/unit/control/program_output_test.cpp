// What another program says: bounded in time and size, its failure told.
#include "appliance/cloisterctl/program_output.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace cloister::cloisterctl {
namespace {
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Both streams of a program and its exit status come back; no shell reads its words", "[support]") {
  const auto said = output_of({"sh", "-c", "echo \"$1\"; echo problem >&2; exit 3", "sh", "$(id); *"}, 10s);
  REQUIRE(said);
  CHECK(said->said == "$(id); *\nproblem\n");
  CHECK(said->status == 3);
  const auto silent = output_of({"cat"}, 10s);  // standard input is empty
  REQUIRE(silent);
  CHECK(silent->said.empty());
  CHECK(silent->status == 0);
  const auto killed = output_of({"sh", "-c", "kill -9 $$"}, 10s);
  REQUIRE(killed);
  CHECK(killed->status == -1);
}

TEST_CASE("A program that is not there, takes too long or says too much is an error that names it", "[support]") {
  const auto absent = output_of({"no-such-program"}, 10s);
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().message, ContainsSubstring("no program 'no-such-program'"));
  const auto slow = output_of({"sleep", "60"}, 50ms);
  REQUIRE_FALSE(slow);
  CHECK_THAT(slow.error().message, ContainsSubstring("'sleep' did not end within 50 ms"));
  const auto endless = output_of({"yes"}, 60s);
  REQUIRE_FALSE(endless);
  CHECK_THAT(endless.error().message, ContainsSubstring("'yes' says more than"));
}

}  // namespace
}  // namespace cloister::cloisterctl
