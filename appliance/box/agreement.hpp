#pragma once
/// What both boxes must have alike, a line each, said by both in the same words. What is local to one box is remote to
/// the other, so lines name boxes.

#include <string>

#include "config/model.hpp"

namespace cloister::box {

/// Of the link itself: the session compares it, and does not come up where it differs.
[[nodiscard]] std::string agreement_of(const std::string& box, const config::Link& link);

/// Of one tunnel: it does not run where this differs (vpn/roster.hpp).
[[nodiscard]] std::string terms_of(const std::string& box, const std::string& peer, const config::Tunnel& tunnel);

}  // namespace cloister::box
