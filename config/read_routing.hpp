#pragma once
/// Which packets a tunnel takes: its subnets, who leads packets into it, and its interface's addresses.

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

void read_routing(Section& section, Tunnel& tunnel);

}  // namespace cloister::config
