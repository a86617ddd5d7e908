#pragma once
/// "Did you mean …?"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloister::config {

/// The candidate that differs least, when it differs little enough to be a slip.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace cloister::config
