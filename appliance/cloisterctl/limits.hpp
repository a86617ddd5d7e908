#pragma once
/// `cloisterctl limits`: what is not defended, as docs/threat-model.md says it.

#include <string>
#include <string_view>
#include <vector>

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

/// The points of a Markdown list, without its marks: of a link only its text is left.
[[nodiscard]] std::vector<std::string> points_of(std::string_view markdown);

void offer_limits(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
