// What is not defended, from the page's Markdown: each point once, as text.
#include "appliance/cloisterctl/limits.hpp"

#include <catch2/catch_test_macros.hpp>

namespace cloister::cloisterctl {
namespace {

TEST_CASE("Points of a Markdown list come without marks, on a line each", "[limits]") {
  CHECK(
      points_of(
          "## Title\n\nWords before.\n\n- **Bold**, and\n  a second line\n- see ([page](page.md#part)).\n\nAfter.\n") ==
      std::vector<std::string>{"Bold, and a second line", "see (page)."});
  CHECK(points_of("").empty());
  CHECK(points_of("- [not closed](") == std::vector<std::string>{"not closed"});
}

}  // namespace
}  // namespace cloister::cloisterctl
