#pragma once
/// `cloisterctl link`: what a link is expected to bring, by the formulas of the running link; needs no service.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/distill/link_plan.hpp"
#include "config/link_model.hpp"

namespace cloister::cloisterctl {

struct LinkPlanOptions {
  std::string link;  // a preset's name, or a file's path
  std::optional<double> length_km;
  std::optional<std::uint64_t> block_bits;
  std::optional<double> epsilon_budget;
  double to_km = 150;
  double step_km = 10;
  bool json = false;
  std::string svg;  // file of the plot; empty: none
};

/// The plan at one length.
struct PlannedPoint {
  double length_km = 0;
  distill::LinkPlan plan;
  double endless_bits_per_second = 0;  // with blocks without end
};

/// The plan with another budget of epsilon for the link's life.
struct PlannedBudget {
  double epsilon_budget = 0;
  double secret_bits_per_second = 0;
};

struct LinkReport {
  config::LinkModel model;
  PlannedPoint here;                   // at the link's own length
  std::vector<PlannedPoint> distance;  // from 0 km on
  std::vector<PlannedBudget> budgets;
};

[[nodiscard]] LinkReport report_link(const config::LinkModel& model, double to_km, double step_km);
[[nodiscard]] std::string render(const LinkReport& report);
[[nodiscard]] std::string to_json(const LinkReport& report);

/// The exit status.
[[nodiscard]] int link_plan(const LinkPlanOptions& options);
/// All presets with their titles, or one's file.
[[nodiscard]] int link_presets(const std::string& name, bool json);

}  // namespace cloister::cloisterctl
