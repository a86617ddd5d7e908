#pragma once
/// Every metric with its meaning, as the page docs/reference/metrics.md: `cloister-dashboard --explain-metrics`.

#include <string>

namespace cloister::dashboard {

[[nodiscard]] std::string metrics_reference();

}  // namespace cloister::dashboard
