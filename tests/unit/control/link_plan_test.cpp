// `cloisterctl link plan`: what it says in words, for programs and as a picture.
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>

#include "appliance/cloisterctl/link_plan.hpp"
#include "appliance/cloisterctl/link_plot.hpp"

namespace cloister::cloisterctl {
namespace {
using Catch::Matchers::ContainsSubstring;

LinkReport report_of(const std::string& name, std::optional<double> length_km = {}) {
  auto model = config::find_link_model(name);
  REQUIRE(model);
  if (length_km) model->fibre.length_km = *length_km;
  return report_link(*model, 100, 10);
}

TEST_CASE("The published links are planned near the key rates that were published", "[plan]") {
  struct Published {
    const char* name;
    std::optional<double> length_km;
    double bits_per_second;
  };
  for (const auto& [name, length_km, rate] :
       {Published{"yuan-2018", {}, 13.72e6}, Published{"gruenenfelder-2023", {}, 64e6},
        Published{"gruenenfelder-2023", 102.4, 3.0e6}, Published{"li-2023", {}, 115.8e6}}) {
    const double planned = report_of(name, length_km).here.plan.secret_bits_per_second;
    INFO(name << ": published " << rate << ", planned " << planned);
    CHECK(std::abs(planned / rate - 1) < 0.2);
  }
}

TEST_CASE("A plan says gains, block time, finite-key cost, epsilon and the rate at each distance", "[plan]") {
  const auto report = report_of("snspd-100km");
  const auto text = render(report);
  INFO(text);
  for (const auto* word : {"signal", "decoy", "fills in", "finite key    costs", "a budget of 1e-06", "without end"})
    CHECK_THAT(text, ContainsSubstring(word));
  REQUIRE(report.distance.size() == 11);
  for (std::size_t i = 1; i < report.distance.size(); ++i)
    CHECK(report.distance[i].plan.secret_bits_per_second < report.distance[i - 1].plan.secret_bits_per_second);
  for (std::size_t i = 1; i < report.budgets.size(); ++i)
    CHECK(report.budgets[i].secret_bits_per_second < report.budgets[i - 1].secret_bits_per_second);
}

TEST_CASE("The JSON of a plan holds an account that anyone can recompute, and the curve", "[plan]") {
  const auto report = report_of("ingaas-50km");
  const auto value = boost::json::parse(to_json(report));
  CHECK(value.at("distance").as_array().size() == 11);
  CHECK(value.at("account").at("length_bits").to_number<std::uint64_t>() == report.here.plan.account.length_bits);
  CHECK(value.at("plan").at("length_km").to_number<double>() == 50);
}

TEST_CASE("The plot has both curves, and the title as text, not as markup", "[plan]") {
  auto report = report_of("ingaas-50km");
  report.model.title = "a <b> & c";
  const auto svg = plot_of(report);
  CHECK_THAT(svg, ContainsSubstring("a &lt;b> &amp; c"));
  CHECK_THAT(svg, ContainsSubstring("stroke-dasharray"));
  CHECK_THAT(svg, ContainsSubstring("<circle"));
  CHECK(svg.ends_with("</svg>\n"));
  report.distance.clear();  // nothing to draw is no reason to fail
  CHECK(plot_of(report).ends_with("</svg>\n"));
}

}  // namespace
}  // namespace cloister::cloisterctl
