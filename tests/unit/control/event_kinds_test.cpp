// The list of events: whole, and true to the code and to the page that is made of it.
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "appliance/control/event_kinds.hpp"

namespace cloister::control {
namespace {

const std::filesystem::path checkout = CLOISTER_CHECKOUT;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  REQUIRE(file);
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_CASE("Each alarm says what to do", "[events]") {
  for (const auto& kind : event_kinds()) {
    INFO(kind.code);
    CHECK_FALSE(kind.meaning.empty());
    CHECK(kind.alarm == !kind.remedy.empty());
  }
}

TEST_CASE("An event is found by its code in either case, and nothing else is", "[events]") {
  REQUIRE(find_event_kind("qber_high") != nullptr);
  CHECK(find_event_kind("QBER_HIGH")->code == "QBER_HIGH");
  CHECK(find_event_kind("") == nullptr);
  CHECK(find_event_kind("QBER") == nullptr);
  CHECK(find_event_kind("ZZZ") == nullptr);
}

TEST_CASE("The list has the events of the code, no more and no fewer", "[events]") {
  // In the service every text of this form is an event's code, but for the greeting's first bytes.
  const std::regex literal{"\"([A-Z]+(?:_[A-Z]+)*)\""};
  const std::set<std::string> others{"CLOI"};
  std::set<std::string> used;
  for (const auto* folder : {"appliance/box", "appliance/session"}) {
    for (const auto& file : std::filesystem::directory_iterator{checkout / folder}) {
      if (file.path().extension() != ".cpp") continue;
      const std::string text = text_of(file.path());
      for (std::sregex_iterator found{text.begin(), text.end(), literal}; found != std::sregex_iterator{}; ++found)
        if (!others.contains((*found)[1].str())) used.insert((*found)[1].str());
    }
  }
  std::set<std::string> listed;
  for (const auto& kind : event_kinds()) listed.emplace(kind.code);
  CHECK(used == listed);
}

TEST_CASE("docs/events.md is what the list makes", "[events]") {
  CHECK(text_of(checkout / "docs/events.md") == event_reference());
}

}  // namespace
}  // namespace cloister::control
