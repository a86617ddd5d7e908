// What a link's driver watches of its tunnels: what they send, their keys, interfaces, and ways to the peer.
#include <format>
#include <utility>

#include "appliance/box/link_driver.hpp"

namespace cloister::box {
namespace {

constexpr std::chrono::seconds paths_looked_at_every{10};

std::string subject_of(const KnownTunnel& tunnel) { return std::format("tunnel '{}'", tunnel.settings.rekey.tunnel); }

}  // namespace

void LinkDriver::watch_traffic() {
  for (const auto& tunnel : link_.tunnels()) {
    auto& place = place_of(tunnel.id);
    const auto& counters = plane_.counters(place.path);
    const auto status = link_.tunnel_status(tunnel.id);
    place.key_bits.sample(status.keys_taken * keys::key_bits, now());
    if (status.pad) place.pad_bits.sample(8 * status.pad->used_bytes, now());
    if (status.accepted && plane_.heard(*status.accepted)) link_.on_heard(tunnel.id, *status.accepted);
    if (plane_.packets_per_second(place.path) > 0) watch_rate(tunnel);
    link_.on_sent(tunnel.id, {.packets = counters.sealed_packets, .bytes = counters.sealed_out});
  }
}

/// Who looks on learns from a gap that the box was busy, which may be with what is inside.
void LinkDriver::watch_rate(const KnownTunnel& tunnel) {
  auto& place = place_of(tunnel.id);
  const auto& counters = plane_.counters(place.path);
  place.used_slots.sample(counters.sealed_packets - counters.dummies_out, now());
  place.missed_slots.sample(counters.slots_missed, now());
  const auto change = place.too_slow.sample(place.missed_slots.per_second(now()), now());
  if (change == LimitWatch::Change::raised)
    log_.alarm("TUNNEL_RATE_MISSED", subject_of(tunnel),
               "the box had no time for all of its datagrams of constant rate: who looks on has seen a gap");
  if (change == LimitWatch::Change::ended)
    log_.info("TUNNEL_RATE_KEPT", subject_of(tunnel), "all datagrams of its constant rate were sent for a minute");
}

void LinkDriver::watch_keys() {
  for (const auto& tunnel : link_.tunnels()) {
    const double left = key_left_seconds(tunnel);
    const auto name = subject_of(tunnel);
    const auto change = place_of(tunnel.id).keys_left.sample(left, now());
    if (change == LimitWatch::Change::raised)
      log_.alarm("KEYS_LOW", name, std::format("its keys last {:.0f} s more if no new one comes", left));
    if (change == LimitWatch::Change::ended)
      log_.info("KEYS_ENOUGH", name, std::format("its keys last {:.0f} s again", left));
  }
}

void LinkDriver::watch_interfaces() {
  for (const auto& tunnel : link_.tunnels()) {
    auto& place = place_of(tunnel.id);
    const bool lost = plane_.interface_lost(place.path);
    if (std::exchange(place.interface_lost, lost) == lost) continue;
    const auto subject = subject_of(tunnel);
    if (lost)
      log_.alarm("TUN_LOST", subject,
                 std::format("someone deleted interface '{}', and the tunnel carries nothing: 'systemctl reload "
                             "cloister' makes it again",
                             tunnel.settings.interface));
    else
      log_.info("TUN_FOUND", subject, std::format("interface '{}' is there again", tunnel.settings.interface));
  }
}

/// The kernel forgets after minutes what it has learnt of a way, so it is asked again, and sooner when it has refused
/// something.
void LinkDriver::watch_paths() {
  const bool all = now() >= paths_looked_at_ + paths_looked_at_every;
  if (all) paths_looked_at_ = now();
  for (const auto& tunnel : link_.tunnels()) {
    const std::size_t path = place_of(tunnel.id).path;
    if (!all && !plane_.refused_for_length(path)) continue;
    if (!plane_.learn_path_mtu(path) || plane_.path_mtu(path) == 0) continue;
    log_.info("TUNNEL_PATH_MTU", subject_of(tunnel),
              std::format("the way to the peer takes packets of {} bytes now, the tunnel those of {}{}",
                          plane_.path_mtu(path), plane_.mtu(path),
                          plane_.cut_outside(path) ? ", and what is longer than the way takes is cut outside" : ""));
  }
}

}  // namespace cloister::box
