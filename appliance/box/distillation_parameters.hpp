#pragma once
/// From the section `distillation` to what the chain and its account are given: of a running link, and of one that is planned.

#include <algorithm>
#include <vector>

#include "appliance/distill/account.hpp"
#include "appliance/distill/epsilon_plan.hpp"
#include "appliance/distill/secret_length.hpp"
#include "config/model.hpp"

namespace cloister::box {

inline distill::PerIntensity per_intensity(const std::vector<double>& values) {
  distill::PerIntensity all{};
  std::ranges::copy(values, all.begin());  // two or three, as the configuration's reading holds
  return all;
}

inline distill::Parameters parameters_of(const config::Distillation& distillation) {
  const distill::EpsilonPlan plan{.budget = distillation.epsilon_budget,
                                  .years = distillation.planned_years,
                                  .blocks_per_second = distillation.planned_blocks_per_second};
  return {.bound = distill::bound_named(distillation.bound).value_or(distill::Bound::wiesemann2024),
          .intensities = per_intensity(distillation.intensities),
          .probabilities = per_intensity(distillation.probabilities),
          .eps_sec = plan.eps_sec(),
          .eps_cor = plan.eps_cor(),
          .qber_limit = distillation.qber_limit,
          .block_bits = distillation.block_bits};
}

}  // namespace cloister::box
