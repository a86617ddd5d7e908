#include "config/cross_checks.hpp"

#include <algorithm>
#include <format>

#include "config/constant_rate.hpp"
#include "config/nearest.hpp"
#include "config/units.hpp"

namespace cloister::config {
namespace {

constexpr unsigned ipv6_mtu_min = 1280;  // RFC 8200, section 5

/// Of an endpoint's address alone.
Prefix prefix_of(const Endpoint& endpoint) {
  return parse_prefix(endpoint.address + (endpoint.family == Family::v4 ? "/32" : "/128")).value_or(Prefix{});
}

bool has_family(const std::vector<Prefix>& prefixes, Family family) {
  return std::ranges::contains(prefixes, family, &Prefix::family);
}

}  // namespace

bool is_one_host(const Endpoint& endpoint) {
  const auto bytes = prefix_of(endpoint).bytes;
  if (std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) return false;
  // RFC 5771 (224.0.0.0/4), with 240.0.0.0/4 behind it up to the broadcast address; RFC 4291, section 2.7.
  return endpoint.family == Family::v4 ? bytes[0] < 224 : bytes[0] != 0xFF;
}

void CrossChecks::link(const Link& link, Section& section) {
  expect_new("link", link.name, section);
  if (!link.peer.empty() && link.peer == configuration_.box.name)
    section.error("peer", "its peer has the name of this box: name the other one");
}

void CrossChecks::tunnel(const Tunnel& tunnel, Section& section) {
  expect_new("tunnel", tunnel.name, section);
  expect_interface(tunnel, section);
  expect_socket(tunnel, section);
  expect_link(tunnel, section);
  expect_subnets(tunnel, section);
  expect_outside(tunnel, section);
  expect_rate(tunnel, section);
}

void CrossChecks::expect_new(const std::string& what, const std::string& name, Section& section) {
  const auto [first, fresh] = places_.emplace(what + " " + name, section.place_of("name"));
  if (!fresh) section.error("name", std::format("a {} named '{}' stands in {} already", what, name, first->second));
}

void CrossChecks::expect_interface(const Tunnel& tunnel, Section& section) {
  const Interface here{.mtu = tunnel.mtu, .routing = tunnel.routing, .tunnel = tunnel.name};
  const auto [shared, fresh] = interfaces_.emplace(tunnel.interface, here);
  if (fresh) return;
  if (shared->second.mtu != tunnel.mtu)
    section.error("mtu", std::format("interface '{}' is shared with a tunnel of mtu {}, expected the same here",
                                     tunnel.interface, shared->second.mtu));
  if (tunnel.routing == Routing::kernel || shared->second.routing == Routing::kernel)
    section.error("interface",
                  std::format("interface '{}' is that of tunnel '{}' too: with 'routing: kernel' a tunnel needs one of "
                              "its own, by which the routing table names it",
                              tunnel.interface, shared->second.tunnel));
}

/// The kernel cuts, or does not, all that leaves by a socket.
void CrossChecks::expect_socket(const Tunnel& tunnel, Section& section) {
  if (tunnel.local_endpoint.port == 0) return;
  const auto [shared, fresh] =
      sockets_.emplace(tunnel.local_endpoint.to_string(), std::pair{tunnel.fragment_outer, tunnel.name});
  const auto& [fragments, first] = shared->second;
  if (!fresh && fragments != tunnel.fragment_outer)
    section.error("fragment_outer",
                  std::format("tunnel '{}' has the local_endpoint {} too, and '{}': expected the same here, or another "
                              "port",
                              first, shared->first, fragments));
}

void CrossChecks::expect_link(const Tunnel& tunnel, Section& section) const {
  for (const auto& link : configuration_.links)
    if (link.name == tunnel.link && tunnel.cipher == Cipher::one_time_pad) expect_pads(link, section);
  std::vector<std::string> links;
  for (const auto& link : configuration_.links) links.push_back(link.name);
  if (tunnel.link.empty() || std::ranges::contains(links, tunnel.link)) return;
  const auto meant = nearest(tunnel.link, links);
  section.error("link", std::format("there is no link '{}'{}", tunnel.link,
                                    meant ? std::format(": did you mean '{}'?", *meant) : ""));
}

/// They are of distilled keys, from blocks that QKD keys have authenticated.
void CrossChecks::expect_pads(const Link& link, Section& section) {
  if (link.device.gives_finished_keys())
    section.error("cipher",
                  std::format("cannot be 'one-time-pad': the keys of link '{}' are a KME's, and what they are "
                              "worth is its word: use 'aes-256-gcm'",
                              link.name));
  else if (link.authentication.policy == AuthenticationPolicy::computational)
    section.error("cipher", std::format("cannot be 'one-time-pad': no block of link '{}' is authenticated by QKD keys: "
                                        "set its 'authentication.policy' to 'its-preferred' or 'its-only', or use "
                                        "'aes-256-gcm'",
                                        link.name));
}

/// A box may pass on what comes out of one tunnel into another: only within a tunnel must the two sides differ.
void CrossChecks::expect_subnets(const Tunnel& tunnel, Section& section) {
  if (tunnel.routing == Routing::kernel) {
    expect_room_between(tunnel, section);
    expect_addresses(tunnel, section);
    return;
  }
  for (const auto& remote : tunnel.remote_subnets) {
    for (const auto& local : tunnel.local_subnets) {
      if (remote.overlaps(local))
        section.error("remote_subnets",
                      std::format("remote subnet {} overlaps local subnet {}: each side needs its own",
                                  remote.to_string(), local.to_string()));
    }
    for (const auto& [other, name] : remotes_) {
      if (remote.overlaps(other) && remote.length == other.length)
        section.error("remote_subnets",
                      std::format("remote subnet {} is that of tunnel '{}'", remote.to_string(), name));
    }
  }
  for (const auto& remote : tunnel.remote_subnets) remotes_.emplace_back(remote, tunnel.name);
  const auto meet = [&](Family family) {
    return has_family(tunnel.local_subnets, family) && has_family(tunnel.remote_subnets, family);
  };
  if (!tunnel.local_subnets.empty() && !tunnel.remote_subnets.empty() && !meet(Family::v4) && !meet(Family::v6))
    section.error("remote_subnets",
                  "are of another address family than all of local_subnets: nothing could pass the tunnel");
}

/// What is behind this box lies within the network that is routed, but is not all of it: of the rest the packets are
/// kept in.
void CrossChecks::expect_room_between(const Tunnel& tunnel, Section& section) const {
  for (const auto& remote : tunnel.remote_subnets) {
    for (const auto& local : tunnel.local_subnets) {
      if (local.length <= remote.length && local.overlaps(remote))
        section.error("local_subnets",
                      std::format("local subnet {} holds all of remote subnet {}: nothing of it would be kept from "
                                  "leaving in clear; name what is behind this box alone",
                                  local.to_string(), remote.to_string()));
    }
  }
}

void CrossChecks::expect_addresses(const Tunnel& tunnel, Section& section) {
  for (const auto& address : tunnel.addresses) {
    const auto text = address.to_string();
    for (const auto& local : tunnel.local_subnets) {
      if (local.overlaps(address.network))
        section.error("addresses",
                      std::format("{} is in local subnet {}: the peer's end of the tunnel would pass for a host behind "
                                  "this box; take a network of the tunnel's own",
                                  text, local.to_string()));
    }
    if (address.network.family == Family::v6 && tunnel.mtu < ipv6_mtu_min)
      section.error("addresses", std::format("{} needs an 'mtu' of {} at least, as IPv6 does", text, ipv6_mtu_min));
    if (is_link_local({address.network.family, address.bytes, address.network.length})) continue;
    const auto [other, fresh] = addresses_.emplace(text, tunnel.name);
    if (!fresh)
      section.error("addresses", std::format("{} is an address of tunnel '{}' already", other->first, other->second));
  }
}

/// What carries the tunnel may not be routed into it.
void CrossChecks::expect_outside(const Tunnel& tunnel, Section& section) const {
  const auto look = [&](const Endpoint& endpoint, const std::string& whose) {
    if (endpoint.port == 0) return;
    for (const auto& remote : tunnel.remote_subnets) {
      // Who routes everything by the kernel's table has a better route to the other boxes in it.
      if (tunnel.routing == Routing::kernel && remote.length == 0) continue;
      if (remote.overlaps(prefix_of(endpoint)))
        section.error("remote_subnets",
                      std::format("remote subnet {} holds {}, the {}: what carries the tunnel would be led into it",
                                  remote.to_string(), endpoint.address, whose));
    }
  };
  look(tunnel.peer_endpoint, "tunnel's peer_endpoint");
  look(tunnel.local_endpoint, "tunnel's local_endpoint");
  for (const auto& link : configuration_.links) {
    if (link.peer_address.address != tunnel.peer_endpoint.address)
      look(link.peer_address, std::format("peer_address of link '{}'", link.name));
    if (link.local_address.address != tunnel.local_endpoint.address)
      look(link.local_address, std::format("local_address of link '{}'", link.name));
  }
}

void CrossChecks::expect_rate(const Tunnel& tunnel, Section& section) {
  const auto before = constant_packets_per_second_;
  constant_packets_per_second_ += tunnel.constant_packets_per_second;
  if (before <= constant_packets_per_second_max && constant_packets_per_second_ > constant_packets_per_second_max)
    section.error("constant_packets_per_second",
                  std::format("makes {} a second with the tunnels before it: a box sends {} at most",
                              constant_packets_per_second_, constant_packets_per_second_max));
}

}  // namespace cloister::config
