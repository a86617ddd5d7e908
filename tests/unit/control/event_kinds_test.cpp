// The list of events: whole, and true to the code and to the page that is made of it.
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
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

/// The literals that are of capitals and underscores alone.
std::set<std::string> capitals_in(const std::string& text) {
  std::set<std::string> words;
  for (auto quote = text.find('"'); quote != std::string::npos; quote = text.find('"', quote + 1)) {
    const auto end = text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", quote + 1);
    if (end != std::string::npos && text[end] == '"' && end > quote + 1)
      words.insert(text.substr(quote + 1, end - quote - 1));
  }
  return words;
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
  // In the service every literal of capitals is an event's code, but for the greeting's first bytes.
  const std::set<std::string> others{"CLOI"};
  std::set<std::string> used;
  for (const auto* folder : {"appliance/box", "appliance/session"}) {
    for (const auto& file : std::filesystem::directory_iterator{checkout / folder}) {
      if (file.path().extension() != ".cpp") continue;
      for (const auto& word : capitals_in(text_of(file.path())))
        if (!others.contains(word)) used.insert(word);
    }
  }
  std::set<std::string> listed;
  for (const auto& kind : event_kinds()) listed.emplace(kind.code);
  CHECK(used == listed);
}

}  // namespace
}  // namespace cloister::control
