#pragma once
/// What becomes of a tunnel's packets on their way: lengths, classes, padding.

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

/// `tunnel.mtu` has been read.
void read_packets(Section& section, Tunnel& tunnel);

}  // namespace cloister::config
