#pragma once
/// `cloisterctl link plan`: what a link is expected to bring, by the formulas of the running link; needs no service.

#include <string>
#include <vector>

#include "appliance/cloisterctl/invocation.hpp"
#include "appliance/distill/link_plan.hpp"
#include "config/link_model.hpp"

namespace cloister::cloisterctl {

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

/// `link plan` and `link presets`.
void offer_link_plan(CLI::App& link, Invocation& invocation);

}  // namespace cloister::cloisterctl
