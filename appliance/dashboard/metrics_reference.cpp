#include "appliance/dashboard/metrics_reference.hpp"

#include <algorithm>
#include <format>
#include <set>
#include <string_view>
#include <vector>

#include "appliance/dashboard/metrics_table.hpp"

namespace cloister::dashboard {
namespace {

/// The labels that tell the elements of the field's list apart, and the field's own.
std::vector<std::string> labels_of(const Metric& metric) {
  std::vector<std::string> labels;
  for (const auto& identity : identities) {
    if (metric.field.starts_with(std::format("{}.", identity.list))) labels.emplace_back(identity.label);
  }
  if (!metric.label.empty()) labels.emplace_back(metric.label);
  return labels;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += std::format("{}`{}`", text.empty() ? "" : ", ", word);
  return text;
}

}  // namespace

std::string metrics_reference() {
  std::string page =
      "# Metrics\n\n"
      "What `cloister-dashboard` serves at `/metrics`. This page is made by `cloister-dashboard --explain-metrics`.\n\n"
      "Amounts of key are in bytes, Prometheus' base unit, and rates in bytes a second: times 8 for bits. A state is "
      "a\n"
      "metric of value 1 with the state as a label. What is unknown (QBER before the first block) has no sample.\n\n"
      "| metric | type | labels | field of `cloisterctl status --json` | |\n|---|---|---|---|---|\n"
      "| `cloister_up` | gauge | | | Whether the service answers on its control socket; 0 stands alone. |\n";
  std::set<std::string_view> shown;
  for (const auto& metric : metrics) {
    if (!shown.insert(metric.name).second) continue;
    std::vector<std::string> labels;
    std::vector<std::string> fields;
    for (const auto& one : metrics) {
      if (one.name != metric.name) continue;
      fields.emplace_back(one.field);
      for (const auto& label : labels_of(one)) {
        if (std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
      }
    }
    page +=
        std::format("| `{}` | {} | {} | {} | {} |\n", metric.name, metric.kind == Kind::counter ? "counter" : "gauge",
                    joined(labels), joined(fields), metric.help);
  }
  page += "\nFields without a metric, and why:\n\n";
  for (const auto& [field, why] : left_out) page += std::format("- `{}`: {}\n", field, why);
  return page;
}

}  // namespace cloister::dashboard
