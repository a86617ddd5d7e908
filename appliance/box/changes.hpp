#pragma once
/// What a new configuration changes in a running box, link by link. Computed, nothing is done.

#include <set>
#include <string>

#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

/// Names of links. One whose own settings differ, in more than who lets it bootstrap again, is closed and opened anew; one
/// with other tunnels stays as it is, and those of its tunnels that are alike in both lose no packet.
struct Changes {
  std::set<std::string> closed;
  std::set<std::string> opened;
  std::set<std::string> with_other_tunnels;
  bool operator==(const Changes&) const = default;
};

/// An error: it changes what a running box cannot change; the text says what, and the remedy.
[[nodiscard]] Result<Changes> changes_between(const config::Configuration& before, const config::Configuration& after);

}  // namespace cloister::box
