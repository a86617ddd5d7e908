#include "appliance/drivers/data_plane_workers.hpp"

namespace cloister::drivers {
namespace {

/// Frames of one interface before another's turn, and before those who change SAs, or stop the plane, get theirs.
constexpr std::size_t frames_at_once = 16;

}  // namespace

DataPlane::Sender::Sender(DataPlane& plane, std::size_t queue, std::size_t worker)
    : plane_{plane},
      queue_{queue},
      worker_{worker},
      readiness_{plane.wake_events_[worker].get()},
      frame_(tun_frame_bytes_max) {}

void DataPlane::Sender::run() {
  for (;;) {
    const auto ready = readiness_.wait();
    if (ready.empty()) {
      if (!plane_.take_layout(worker_, layout_)) return;
      take_up_layout();
    }
    for (const std::size_t interface : ready) drain(interface);
  }
}

void DataPlane::Sender::take_up_layout() {
  readiness_ = Readiness{plane_.wake_events_[worker_].get()};
  const auto& interfaces = layout_->interfaces;
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    if (!interfaces[i]->lost) readiness_.add(interfaces[i]->tun.queues[queue_].get(), i);
  }
  peers_.assign(layout_->paths.size(), {});
  first_tunnel_.assign(interfaces.size(), 0);
  for (std::size_t tunnel = layout_->paths.size(); tunnel-- > 0;) {
    if (const auto& path = layout_->paths[tunnel]; path.traffic) first_tunnel_[path.interface] = tunnel;
  }
  bursts_.resize(layout_->sockets.size());
  burst_tunnel_.assign(layout_->sockets.size(), 0);
}

void DataPlane::Sender::drain(std::size_t interface) {
  const int queue = layout_->interfaces[interface]->tun.queues[queue_].get();
  const vpn::SaTable::Reader sas{plane_.sas_, worker_};
  for (std::size_t frames = 0; frames < frames_at_once; ++frames) {
    const auto frame = read_frame(queue, frame_);
    if (!frame) {
      if (frame.error() == NoFrame::interface_gone) lose(interface);
      break;
    }
    take(interface, *frame, sas);
  }
  send();
}

void DataPlane::Sender::lose(std::size_t interface) {
  readiness_.remove(layout_->interfaces[interface]->tun.queues[queue_].get());
  layout_->interfaces[interface]->lost = true;
}

void DataPlane::Sender::take(std::size_t interface, const TunFrame& frame, const vpn::SaTable::Reader& sas) {
  const auto tunnel = layout_->selectors.outbound(frame.packet);
  const auto segments = vpn::Segments::of(frame.offload, frame.packet);
  if (!tunnel || layout_->paths[*tunnel].interface != interface || !segments) {
    ++layout_->paths[first_tunnel_[interface]].traffic->counters.dropped_selector;
    return;
  }
  const TunnelPath& path = layout_->paths[*tunnel];
  auto& counters = path.traffic->counters;
  vpn::OutboundSa* sa = sas.outbound(*tunnel);
  if (sa == nullptr) {
    if (const auto pad = plane_.pads_.outbound(*tunnel)) return take_under_pad(*tunnel, *segments, *pad);
  }
  path.traffic->peer.refresh(peers_[*tunnel]);
  SendBurst& burst = bursts_[path.socket];
  burst_tunnel_[path.socket] = *tunnel;
  std::uint64_t bytes = 0;
  std::uint64_t sent = 0;
  for (std::size_t i = 0; sa != nullptr && i < segments->count(); ++i) {
    const std::size_t packet_bytes = segments->bytes(i);
    auto room = burst.room(packet_bytes + vpn::esp_overhead_bytes_max);
    if (room.empty()) {
      send();
      room = burst.room(packet_bytes + vpn::esp_overhead_bytes_max);
    }
    segments->write(i, room.subspan(vpn::esp_packet_at));
    const auto sealed = sa->seal(packet_bytes, room);
    if (!sealed) break;
    burst.commit(*sealed, peers_[*tunnel].address);
    bytes += packet_bytes;
    ++sent;
  }
  if (sent < segments->count()) counters.dropped_no_key += segments->count() - sent;
  counters.bytes_out += bytes;
  counters.packets_out += sent;
}

void DataPlane::Sender::send() {
  for (std::size_t socket = 0; socket < bursts_.size(); ++socket) {
    if (bursts_[socket].empty()) continue;
    const std::size_t refused = bursts_[socket].send(layout_->sockets[socket]->queues[queue_].get());
    if (refused > 0) layout_->paths[burst_tunnel_[socket]].traffic->counters.dropped_send += refused;
  }
}

}  // namespace cloister::drivers
