#pragma once
/// What a link bootstraps by, and the boxes whose word about a peer's key counts.

#include <vector>

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

[[nodiscard]] std::vector<Introducer> read_introducers(std::vector<Section> sections, const Box& box);

/// `configuration`: holds the box and its introducers; `peer`: the name of the box at the other end.
[[nodiscard]] Bootstrap read_bootstrap(Section section, const Configuration& configuration, const std::string& peer);

}  // namespace cloister::config
