#include "appliance/box/traffic.hpp"

#include <algorithm>
#include <format>
#include <set>
#include <utility>
#include <vector>

#include "config/units.hpp"

namespace cloister::box {
namespace {

std::vector<vpn::Prefix> selectors_of(const std::vector<config::Prefix>& prefixes) {
  std::vector<vpn::Prefix> selectors;
  for (const auto& prefix : prefixes) selectors.push_back(config::prefix_as<vpn::Prefix>(prefix));
  return selectors;
}

vpn::Prefix host_of(const config::Endpoint& endpoint) {
  const auto prefix = config::parse_prefix(endpoint.address + (endpoint.family == config::Family::v4 ? "/32" : "/128"));
  require(prefix.has_value(), "a configuration that was read has numeric addresses");
  return config::prefix_as<vpn::Prefix>(*prefix);
}

drivers::PacketHandling handling_of(const config::Tunnel& tunnel) {
  drivers::PacketHandling handling{.mtu = tunnel.mtu,
                                   .clamp_mss = tunnel.clamp_mss,
                                   .fragment_outer = tunnel.fragment_outer,
                                   .pad_to = {tunnel.pad_to.begin(), tunnel.pad_to.end()},
                                   .one_time_pad = tunnel.cipher == config::Cipher::one_time_pad,
                                   .packets_per_second = tunnel.constant_packets_per_second};
  handling.dscp = tunnel.dscp.transform([](unsigned dscp) { return static_cast<std::uint8_t>(dscp); });
  return handling;
}

handover::Endpoint endpoint_of(const config::Tunnel& tunnel) {
  return {tunnel.local_endpoint.address, tunnel.local_endpoint.port};
}

const std::string& name_of(const std::shared_ptr<const drivers::UdpSocket>& socket) { return socket->name; }
const std::string& name_of(const std::shared_ptr<drivers::Interface>& interface) { return interface->tun.interface; }

template <class Part>
std::shared_ptr<Part> find(const std::vector<std::shared_ptr<Part>>& parts, const std::string& name) {
  const auto found = std::ranges::find_if(parts, [&](const auto& part) { return name_of(part) == name; });
  return found == parts.end() ? nullptr : *found;
}

/// The index of a part of that name, which is put into the list where it is not yet.
template <class Part>
std::size_t index_of(std::vector<std::shared_ptr<Part>>& parts, const std::shared_ptr<Part>& part) {
  const auto found = std::ranges::find(parts, part);
  if (found != parts.end()) return static_cast<std::size_t>(found - parts.begin());
  parts.push_back(part);
  return parts.size() - 1;
}

/// Guards, interfaces, routes of all tunnels, and the sockets that are not open yet.
Result<drivers::Network> ask_for(const config::Configuration& configuration, const drivers::Layout& now) {
  handover::Request request{.queues = drivers::data_plane_queues(), .endpoints = {}};
  for (const auto& tunnel : configuration.tunnels) {
    auto endpoint = endpoint_of(tunnel);
    if (std::ranges::contains(request.endpoints, endpoint) || find(now.sockets, endpoint.to_string())) continue;
    request.endpoints.push_back(std::move(endpoint));
  }
  return drivers::ask_for_network(configuration.box.network_socket, request);
}

/// The layout of a configuration, out of the parts of the one before and of new ones.
class Drawing {
 public:
  Drawing(const drivers::Layout& before, const Traffic::Numbers& numbers, std::vector<drivers::UdpSocket> sockets)
      : before_{before}, sockets_{before.sockets}, numbers_before_{numbers} {
    for (auto& socket : sockets) sockets_.push_back(std::make_shared<const drivers::UdpSocket>(std::move(socket)));
  }

  Result<> add(const config::Tunnel& tunnel) {
    const auto peer = drivers::socket_address(tunnel.peer_endpoint.address, tunnel.peer_endpoint.port);
    if (!peer) return std::unexpected{peer.error()};
    const auto interface = interface_of(tunnel);
    if (!interface) return std::unexpected{interface.error()};
    const auto number = number_of(tunnel.name);
    if (!number) return std::unexpected{number.error()};
    if (layout_.paths.size() <= *number) layout_.paths.resize(*number + 1);
    layout_.paths[*number] = {.interface = index_of(layout_.interfaces, *interface),
                              .socket = index_of(layout_.sockets, find(sockets_, endpoint_of(tunnel).to_string())),
                              .peer = *peer,
                              .handling = handling_of(tunnel),
                              .routed = tunnel.routing == config::Routing::kernel,
                              .traffic = traffic_of(tunnel.name, *peer),
                              .paced = paced_of(tunnel)};
    add_selectors(*number, tunnel);
    numbers_.emplace(tunnel.name, *number);
    return {};
  }

  /// What carries tunnels and classical channels stays outside of routed tunnels.
  void add_carriers(const config::Configuration& configuration) {
    for (const auto& tunnel : configuration.tunnels) {
      layout_.selectors.add_carrier(host_of(tunnel.local_endpoint), host_of(tunnel.peer_endpoint));
      for (const auto& address : tunnel.addresses)
        layout_.selectors.add_own(config::prefix_as<vpn::Prefix>({address.network.family, address.bytes, 0}));
    }
    for (const auto& link : configuration.links)
      layout_.selectors.add_carrier(host_of(link.local_address), host_of(link.peer_address));
  }

  drivers::Layout take_layout() { return std::move(layout_); }
  Traffic::Numbers take_numbers() { return std::move(numbers_); }

 private:
  /// A routed tunnel passes what is between the boxes' subnets, and between the interfaces' own networks.
  void add_selectors(std::size_t number, const config::Tunnel& tunnel) {
    auto local = selectors_of(tunnel.local_subnets);
    auto remote = selectors_of(tunnel.remote_subnets);
    if (tunnel.routing == config::Routing::subnets)
      return layout_.selectors.add(number, std::move(local), std::move(remote));
    auto within = std::move(remote);
    within.insert(within.end(), local.begin(), local.end());
    for (const auto& address : tunnel.addresses) within.push_back(config::prefix_as<vpn::Prefix>(address.network));
    layout_.selectors.add_routed(number, std::move(local), std::move(within));
  }

  /// A tunnel that was there keeps its number; one that is new gets one that no other has, now or before.
  Result<std::size_t> number_of(const std::string& tunnel) {
    if (const auto known = numbers_before_.find(tunnel); known != numbers_before_.end()) return known->second;
    const auto taken = [&](std::size_t number) {
      const auto has = [&](const auto& entry) { return entry.second == number; };
      return std::ranges::any_of(numbers_before_, has) || std::ranges::any_of(numbers_, has);
    };
    while (taken(next_)) ++next_;
    if (next_ >= drivers::data_plane_tunnels_max)
      return fail(std::format("a box has at most {} tunnels", drivers::data_plane_tunnels_max));
    return next_++;
  }

  [[nodiscard]] std::shared_ptr<drivers::TunnelTraffic> traffic_of(const std::string& tunnel,
                                                                   const drivers::SocketAddress& peer) const {
    const auto known = numbers_before_.find(tunnel);
    return known == numbers_before_.end() ? std::make_shared<drivers::TunnelTraffic>(peer)
                                          : before_.paths[known->second].traffic;
  }

  /// A tunnel that goes on as it was keeps its packets and its beat.
  [[nodiscard]] std::shared_ptr<drivers::PacedTraffic> paced_of(const config::Tunnel& tunnel) const {
    if (tunnel.constant_packets_per_second == 0) return nullptr;
    if (const auto known = numbers_before_.find(tunnel.name); known != numbers_before_.end()) {
      const auto& path = before_.paths[known->second];
      if (path.handling.packets_per_second == tunnel.constant_packets_per_second && path.handling.mtu == tunnel.mtu)
        return path.paced;
    }
    return std::make_shared<drivers::PacedTraffic>(tunnel.constant_packets_per_second, tunnel.mtu);
  }

  Result<std::shared_ptr<drivers::Interface>> interface_of(const config::Tunnel& tunnel) const {
    if (auto drawn = find(layout_.interfaces, tunnel.interface)) return drawn;
    if (auto known = find(before_.interfaces, tunnel.interface); known && !known->lost) return known;
    const bool carrier = tunnel.routing == config::Routing::subnets;  // until there is a key
    return drivers::open_tun(tunnel.interface, drivers::data_plane_queues(), carrier).transform([](drivers::Tun tun) {
      return std::make_shared<drivers::Interface>(std::move(tun));
    });
  }

  const drivers::Layout& before_;
  std::vector<std::shared_ptr<const drivers::UdpSocket>> sockets_;  // all that there are
  const Traffic::Numbers& numbers_before_;
  drivers::Layout layout_;
  Traffic::Numbers numbers_;
  std::size_t next_ = 0;
};

}  // namespace

Result<Traffic::Prepared> Traffic::prepare(const config::Configuration& configuration, const Standing& standing) {
  auto network = ask_for(configuration, *standing.layout);
  if (!network) return std::unexpected{network.error()};
  Drawing drawing{*standing.layout, standing.numbers, std::move(network->sockets)};
  for (const auto& tunnel : configuration.tunnels) {
    if (auto added = drawing.add(tunnel); !added) {
      network->tell(handover::Verdict::given_up);
      return fail(std::format("tunnel '{}': {}", tunnel.name, added.error().message));
    }
  }
  drawing.add_carriers(configuration);
  return Prepared{.network = std::move(*network), .layout = drawing.take_layout(), .numbers = drawing.take_numbers()};
}

void Traffic::apply(Prepared prepared) {
  // Where a peer is, it has told by its packets, unless the configuration now leads elsewhere.
  for (const auto& [tunnel, number] : numbers_) {
    const auto& before = plane_.layout()->paths[number];
    if (!prepared.numbers.contains(tunnel)) continue;
    if (const auto& next = prepared.layout.paths[number]; !(next.peer == before.peer))
      next.traffic->peer.move_to(next.peer);
  }
  plane_.apply(std::move(prepared.layout));
  numbers_ = std::move(prepared.numbers);
  prepared.network.tell(handover::Verdict::in_use);
}

}  // namespace cloister::box
