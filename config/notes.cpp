#include "config/notes.hpp"

#include <algorithm>
#include <format>

#include "config/constant_rate.hpp"
#include "config/units.hpp"

namespace cloister::config {
namespace {

/// Packets that come out of one tunnel may go into the other.
void note_transit(const Tunnel& from, const Tunnel& into, std::vector<std::string>& notes) {
  for (const auto& remote : from.remote_subnets) {
    for (const auto& local : into.local_subnets) {
      if (remote.overlaps(local))
        notes.push_back(
            std::format("tunnel '{}' takes {} as local, which is behind tunnel '{}' ({}): this box passes packets on "
                        "from one tunnel "
                        "into the other, and sees them in clear; where that is not meant, take the subnet out of one",
                        into.name, local.to_string(), from.name, remote.to_string()));
    }
  }
}

}  // namespace

std::vector<std::string> notes_on(const Configuration& configuration) {
  std::vector<std::string> notes;
  const auto routed = [](const Tunnel& tunnel) { return tunnel.routing == Routing::kernel; };
  for (const auto& from : configuration.tunnels) {
    for (const auto& into : configuration.tunnels) {
      if (&from != &into && !routed(from) && !routed(into)) note_transit(from, into, notes);
    }
  }
  for (const auto& tunnel : configuration.tunnels) {
    if (tunnel.constant_packets_per_second > 0)
      notes.push_back(std::format(
          "tunnel '{}' sends {} datagrams of {} bytes a second, with traffic or without, and is sent as many: {:.1f} "
          "Mbit/s each way of what leads to {}",
          tunnel.name, tunnel.constant_packets_per_second, constant_datagram_bytes(tunnel),
          static_cast<double>(constant_bits_per_second(tunnel)) / 1e6, tunnel.peer_endpoint.address));
  }
  const auto first = std::ranges::find_if(configuration.tunnels, routed);
  if (first != configuration.tunnels.end() && configuration.tunnels.size() > 1)
    notes.push_back(std::format(
        "tunnel '{}' has 'routing: kernel': between it and the other tunnels this box passes on what the "
        "kernel's routing table says, and sees it in clear; where that is not meant, filter it by routes or "
        "nftables",
        first->name));
  return notes;
}

}  // namespace cloister::config
