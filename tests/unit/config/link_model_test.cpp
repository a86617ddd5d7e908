// A link's file, and the links that are built in.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config/link_model.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

std::string wrong_in(const std::string& text) {
  const auto model = parse_link_model(text, "link.yaml");
  std::string all;
  if (!model)
    for (const auto& diagnostic : model.error()) all += to_string(diagnostic) + '\n';
  return all;
}

TEST_CASE("Every built-in link is a link, and is found by its name", "[config]") {
  REQUIRE(link_presets().size() >= 5);
  for (const auto& preset : link_presets()) {
    INFO(preset.name);
    INFO(wrong_in(std::string{preset.text}));
    const auto model = find_link_model(std::string{preset.name});
    REQUIRE(model);
    CHECK_FALSE(model->title.empty());
    CHECK(model->fibre.length_km > 0);
  }
}

TEST_CASE("What is wrong in a link's file is named, with its place", "[config]") {
  const std::string good = "title: t\nfibre: {length_km: 10}\nreceiver: {efficiency: 20 %}\n";
  CHECK(wrong_in(good).empty());
  CHECK_THAT(wrong_in(""), ContainsSubstring("is empty"));
  CHECK_THAT(wrong_in(good + "clock: fast\n"), ContainsSubstring("link.yaml:4:8: clock: 'fast' is not a frequency"));
  CHECK_THAT(wrong_in("title: t\nfibre: {lenght_km: 10}\nreceiver: {}\n"),
             ContainsSubstring("did you mean 'length_km'"));
  CHECK_THAT(wrong_in("title: t\nfibre: {length_km: -1}\nreceiver: {}\n"), ContainsSubstring("from 0 to 1000"));
  CHECK_THAT(wrong_in(good + "distillation: {bound: lim2014}\n"), ContainsSubstring("two decoys"));
  CHECK_THAT(wrong_in("fibre: {length_km: 10}\nreceiver: {}\n"), ContainsSubstring("title: is missing"));
  const auto absent = find_link_model("no-such-link");
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().front().message, ContainsSubstring("cannot be read"));
}

}  // namespace
}  // namespace cloister::config
