// Tunnels of constant rate (vpn/constant_rate.hpp): their datagrams leave by the clock, whatever waits.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "appliance/drivers/data_plane_workers.hpp"
#include "appliance/vpn/aggregate.hpp"

namespace cloister::drivers {

DataPlane::Pacer::Pacer(DataPlane& plane, std::size_t worker) : plane_{plane}, worker_{worker} {}

void DataPlane::Pacer::run() {
  for (std::optional<Instant> tick;;) {
    if (!sleep_until(tick)) {
      if (!plane_.take_layout(worker_, layout_)) return;
      take_up_layout();
    }
    if (!paced_.empty())
      tick = send_due(std::chrono::steady_clock::now());
    else
      tick.reset();
  }
}

/// One system call a tick. Without a tick it sleeps until it is woken.
bool DataPlane::Pacer::sleep_until(std::optional<Instant> tick) const {
  pollfd wake{plane_.wake_events_[worker_].get(), POLLIN, 0};
  timespec left{};
  if (tick) {
    using std::chrono::nanoseconds;
    const auto rest = std::max(nanoseconds{*tick - std::chrono::steady_clock::now()}, nanoseconds{0});
    left = {.tv_sec = static_cast<time_t>(rest.count() / std::nano::den),
            .tv_nsec = static_cast<long>(rest.count() % std::nano::den)};
  }
  return ::ppoll(&wake, 1, tick ? &left : nullptr, nullptr) <= 0;
}

void DataPlane::Pacer::take_up_layout() {
  peers_.assign(layout_->paths.size(), {});
  paced_.clear();
  for (std::size_t tunnel = 0; tunnel < layout_->paths.size(); ++tunnel) {
    if (layout_->paths[tunnel].paced) paced_.push_back(tunnel);
  }
}

DataPlane::Pacer::Instant DataPlane::Pacer::send_due(Instant now) {
  const vpn::SaTable::Reader sas{plane_.sas_, worker_};
  auto next = Instant::max();
  for (const std::size_t tunnel : paced_) {
    const TunnelPath& path = layout_->paths[tunnel];
    auto& counters = path.traffic->counters;
    const auto due = path.paced->slots.take(now);
    next = std::min(next, path.paced->slots.next());
    if (auto* sa = sas.outbound(tunnel)) {
      counters.slots_missed += due.missed;
      use_slots(tunnel, due.now, *sa);
      send(tunnel);
      continue;
    }
    const std::scoped_lock lock{path.paced->mutex};
    counters.dropped_no_key += path.paced->waiting.clear();
  }
  return next;
}

/// Each under the same bytes of payload, as long as the longest packet that goes into the tunnel now.
void DataPlane::Pacer::use_slots(std::size_t tunnel, std::uint64_t slots, vpn::OutboundSa& sa) {
  const TunnelPath& path = layout_->paths[tunnel];
  auto& counters = path.traffic->counters;
  path.traffic->peer.refresh(peers_[tunnel]);
  const std::size_t payload_bytes = vpn::aggregate_header_bytes + mtu_in_force(path);
  const auto traffic_class = static_cast<std::uint8_t>(path.handling.dscp.value_or(0) << 2U);
  for (; slots > 0; --slots) {
    auto room = burst_.room(payload_bytes + vpn::esp_overhead_bytes_max);
    if (room.empty()) {
      send(tunnel);
      room = burst_.room(payload_bytes + vpn::esp_overhead_bytes_max);
    }
    vpn::WaitingPackets::Filled filled;
    {
      const std::scoped_lock lock{path.paced->mutex};
      filled = path.paced->waiting.fill(room.subspan(vpn::esp_packet_at, payload_bytes));
    }
    counters.dropped_too_big += filled.too_long;
    const auto sealed = sa.seal_aggregate(payload_bytes, room);
    if (!sealed) {  // it has no more numbers: the rest of the slots go by as without a key
      counters.dropped_no_key += filled.packets;
      continue;
    }
    burst_.commit(*sealed, peers_[tunnel].address, traffic_class);
    counters.packets_out += filled.packets;
    counters.bytes_out += filled.bytes;
    counters.dummies_out += filled.packets == 0 ? 1 : 0;
    ++counters.sealed_packets;
    counters.sealed_out += payload_bytes;
  }
}

void DataPlane::Pacer::send(std::size_t tunnel) {
  if (burst_.empty()) return;
  const TunnelPath& path = layout_->paths[tunnel];
  path.traffic->count(burst_.send(layout_->sockets[path.socket]->queues.front().get()));
}

}  // namespace cloister::drivers
