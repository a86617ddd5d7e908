#pragma once
/// The status in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4).

#include <expected>
#include <string>

#include "appliance/control/protocol.hpp"

namespace cloister::dashboard {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// `cloister_up` is 0, and alone, where the service does not answer.
[[nodiscard]] std::string render_metrics(const std::expected<control::BoxStatus, control::Failure>& status);

}  // namespace cloister::dashboard
