#pragma once
/// What both boxes must have alike, a line each, said by both in the same words; the session compares them.

#include <string>
#include <vector>

#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

/// `tunnels` are those of the link. What is local to one box is remote to the other, so lines name boxes. Up to a
/// hundred tunnels have a line for each setting; of more, each has one line with a digest.
[[nodiscard]] Result<std::string> agreement_of(const std::string& box, const config::Link& link,
                                               const std::vector<const config::Tunnel*>& tunnels);

}  // namespace cloister::box
