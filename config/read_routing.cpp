#include "config/read_routing.hpp"

#include <format>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "config/kinds.hpp"
#include "config/units.hpp"

namespace cloister::config {
namespace {

void read_prefixes(Section& section, const std::string& key, std::vector<Prefix>& prefixes, Default fallback) {
  const bool whole = section.read_list(
      key, prefixes, parse_prefix, std::mem_fn(&Prefix::to_string),
      {.expected = "a prefix, as 192.0.2.0/24 or 2001:db8::/32", .pattern = "/[0-9]{1,3}$"}, fallback);
  if (whole && prefixes.empty() && section.has(key))
    section.error(key, "names no subnet: nothing could pass the tunnel");
  for (auto one = prefixes.begin(); one != prefixes.end(); ++one) {
    for (auto other = std::next(one); other != prefixes.end(); ++other) {
      if (one->overlaps(*other))
        section.error(key,
                      std::format("{} and {} overlap: the wider one is enough", one->to_string(), other->to_string()));
    }
  }
}

const std::vector<Prefix>& everything() {
  static const std::vector<Prefix> all{{.family = Family::v4}, {.family = Family::v6}};
  return all;
}

void read_addresses(Section& section, Tunnel& tunnel) {
  const std::string key = "addresses";
  section.read_list(key, tunnel.addresses, parse_interface_address, std::mem_fn(&InterfaceAddress::to_string),
                    {.expected = "an address, as 10.255.0.1/30 or fe80::1/64", .pattern = "/[0-9]{1,3}$"});
  if (tunnel.routing == Routing::subnets && !tunnel.addresses.empty())
    section.error(key, "are of tunnels that the kernel's routing table leads packets into: set 'routing: kernel' too");
}

}  // namespace

void read_routing(Section& section, Tunnel& tunnel) {
  section.read(
      "routing", tunnel.routing,
      one_of<Routing>({{"subnets", Routing::subnets}, {"kernel", Routing::kernel}},
                      "who leads packets into the tunnel: expected 'subnets' (those of the tunnel) or 'kernel' "
                      "(its routing table)"));
  const bool kernel = tunnel.routing == Routing::kernel;
  read_prefixes(section, "local_subnets", tunnel.local_subnets, Default::none);
  if (kernel) tunnel.remote_subnets = everything();
  // None where there is no default is said to be missing; what may be there at all cannot say when it must.
  const auto fallback = kernel || section.is_describing() ? Default::derived : Default::none;
  read_prefixes(section, "remote_subnets", tunnel.remote_subnets, fallback);
  read_addresses(section, tunnel);
}

}  // namespace cloister::config
