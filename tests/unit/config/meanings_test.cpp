// What the reference says of the keys of a configuration file.
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>

#include "config/meanings.hpp"
#include "config/parse.hpp"

namespace cloister::config {
namespace {

TEST_CASE("Each key of a file has a meaning, and no meaning is of a key that is not there", "[config]") {
  std::set<std::string> read;
  for (const auto& setting : all_settings()) {
    if (setting.form.shape == Shape::section) continue;
    INFO("config/meanings.cpp has no line for '" << setting.path << "'");
    CHECK_FALSE(meaning_of(setting.path).empty());
    std::string key = setting.path;
    for (auto index = key.find("[0]"); index != std::string::npos; index = key.find("[0]")) key.erase(index, 3);
    read.insert(key);
  }
  for (const auto& [key, meaning] : meanings()) {
    INFO(key);
    CHECK(read.contains(std::string{key}));
  }
  CHECK(read.size() == meanings().size());
}

TEST_CASE("A key of any element of a list has its meaning, an unknown one has none", "[config]") {
  CHECK(meaning_of("links[7].device.role") == meaning_of("links[0].device.role"));
  CHECK(meaning_of("links[0].device.colour").empty());
}

}  // namespace
}  // namespace cloister::config
