// Every field of `status --json` is exported or named as left out, and the samples are what Prometheus' format asks for.
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <format>
#include <map>
#include <set>

#include "appliance/control/protocol.hpp"
#include "appliance/dashboard/metrics.hpp"
#include "appliance/dashboard/metrics_table.hpp"

namespace cloister::dashboard {
namespace {
namespace json = boost::json;
using Catch::Matchers::ContainsSubstring;

/// Gives every field a value of its own, so that no two can be mistaken for each other.
struct Filler {
  unsigned next = 1000;

  template <class Value>
  void fill(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      value = true;
    } else if constexpr (std::is_arithmetic_v<Value>) {
      value = static_cast<Value>(8 * ++next);  // whole bytes, where it is bits
    } else if constexpr (std::is_same_v<Value, std::string>) {
      value = std::format("text {}", ++next);
    } else if constexpr (requires { value.emplace_back(); }) {
      fill(value.emplace_back());
    } else if constexpr (requires { value.has_value(); }) {
      fill(value.emplace());
    } else {
      boost::mp11::mp_for_each<boost::describe::describe_members<Value, boost::describe::mod_public>>(
          [&](auto member) { fill(value.*member.pointer); });
    }
  }
};

/// The leaves of the JSON object by path; a list's element has its list's.
void leaves_of(const json::value& value, const std::string& path, std::map<std::string, json::value>& leaves) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object)
      leaves_of(member, path.empty() ? std::string{key} : std::format("{}.{}", path, std::string_view{key}), leaves);
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) leaves_of(element, path, leaves);
  } else {
    leaves[path] = value;
  }
}

control::BoxStatus full_status() {
  control::BoxStatus status;
  Filler{}.fill(status);
  return status;
}

std::map<std::string, json::value> full_leaves() {
  std::map<std::string, json::value> leaves;
  leaves_of(json::parse(control::json_line(full_status())), "", leaves);
  return leaves;
}

bool is_identity(std::string_view field) {
  return std::ranges::any_of(identities, [&](const Identity& identity) {
    return field == std::format("{}.{}", identity.list, identity.field);
  });
}

TEST_CASE("Every field of the status is in the table of metrics or left out for a reason", "[metrics]") {
  std::set<std::string_view> named;
  for (const auto& metric : metrics) CHECK(named.insert(metric.field).second);
  for (const auto& field : left_out) CHECK(named.insert(field.field).second);
  const auto leaves = full_leaves();
  for (const auto& [field, _] : leaves) {
    INFO("'" << field << "' of `status --json`: add it to 'metrics' or to 'left_out' in metrics_table.hpp");
    CHECK((named.contains(field) || is_identity(field)));
  }
  for (const auto field : named) {
    INFO("'" << field << "' of metrics_table.hpp is no field of `status --json`");
    CHECK(leaves.contains(std::string{field}));
  }
}

TEST_CASE("Every number of the table reaches Prometheus with its value, in the metric's unit", "[metrics]") {
  const auto text = render_metrics(full_status());
  const auto leaves = full_leaves();
  for (const auto& metric : metrics) {
    INFO(metric.field);
    const auto& value = leaves.at(std::string{metric.field});
    if (metric.kind == Kind::gauge || metric.kind == Kind::counter) {
      REQUIRE(value.is_number());
      CHECK_THAT(text, ContainsSubstring(std::format(" {}\n", value.to_number<double>() * metric.scale)));
    } else {
      REQUIRE(value.is_string());
      CHECK_THAT(text, ContainsSubstring(std::format("{}=\"{}\"", metric.label, std::string_view{value.get_string()})));
    }
  }
}

TEST_CASE("A metric's samples stand together under one HELP and TYPE", "[metrics]") {
  control::BoxStatus status;
  status.links.resize(2);
  status.links[0].name = "east";
  status.links[0].state = "running";
  status.links[0].qber = 0.01;
  status.links[0].blocks_made = 3;
  status.links[0].reserve_bits = 12;
  status.links[1].name = "a \"quoted\" \\ name\n";
  const auto text = render_metrics(status);
  CHECK_THAT(text,
             ContainsSubstring("# TYPE cloister_link_blocks_total counter\n"
                               "cloister_link_blocks_total{link=\"east\",result=\"made\"} 3\n"
                               "cloister_link_blocks_total{link=\"east\",result=\"dropped\"} 0\n"
                               "cloister_link_blocks_total{link=\"east\",result=\"burnt\"} 0\n"
                               "cloister_link_blocks_total{link=\"a \\\"quoted\\\" \\\\ name\\n\",result=\"made\"} "
                               "0\n"));
  CHECK_THAT(text, ContainsSubstring("cloister_link_state{link=\"east\",state=\"running\"} 1\n"));
  CHECK_THAT(text, ContainsSubstring("cloister_link_qber_ratio{link=\"east\",basis=\"key\"} 0.01\n"));
  CHECK_THAT(text, ContainsSubstring("cloister_link_reserve_bytes{link=\"east\"} 1.5\n"));
  CHECK_THAT(text, !ContainsSubstring("basis=\"test\""));  // unknown yet: no sample, no zero
  CHECK_THAT(text, ContainsSubstring("cloister_up 1\n"));
  std::set<std::string> typed;
  for (std::size_t at = 0; (at = text.find("# TYPE ", at)) != std::string::npos; ++at)
    CHECK(typed.insert(text.substr(at, text.find('\n', at) - at)).second);
}

TEST_CASE("Without the service there is one metric, which says so", "[metrics]") {
  const auto text = render_metrics(std::unexpected{control::Failure{.message = "gone"}});
  CHECK_THAT(text, ContainsSubstring("cloister_up 0\n"));
  CHECK(std::ranges::count(text, '\n') == 3);
}

}  // namespace
}  // namespace cloister::dashboard
