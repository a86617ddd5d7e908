#include "appliance/box/guards.hpp"

#include "appliance/drivers/packet_filter.hpp"

namespace cloister::box {
namespace {

void append(std::vector<drivers::RoutePrefix>& to, const std::vector<config::Prefix>& prefixes) {
  for (const auto& prefix : prefixes) to.push_back(route_of(prefix));
}

}  // namespace

drivers::RoutePrefix route_of(const config::Prefix& prefix) {
  drivers::RoutePrefix route;
  route.v6 = prefix.family == config::Family::v6;
  route.length = static_cast<std::uint8_t>(prefix.length);
  for (std::size_t i = 0; i < prefix.bytes.size(); ++i) route.address[i] = std::byte{prefix.bytes[i]};
  return route;
}

Result<> lay_guards(const config::Configuration& configuration) {
  drivers::PacketFilter filter;
  for (const auto& tunnel : configuration.tunnels) {
    append(filter.local, tunnel.local_subnets);
    append(filter.remote, tunnel.remote_subnets);
    filter.tunnels.push_back(tunnel.interface);
    if (auto black = drivers::interface_with(tunnel.local_endpoint.address); !black.empty())
      filter.black.push_back(std::move(black));
  }
  if (auto done = drivers::install(filter); !done) return done;
  for (const auto& prefix : filter.remote) {
    if (auto done = drivers::add_prohibit_route(prefix); !done) return done;
  }
  return {};
}

}  // namespace cloister::box
