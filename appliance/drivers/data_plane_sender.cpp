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
      readiness_{plane.stop_event_.get()},
      frame_(tun_frame_bytes_max),
      peers_(plane.paths_.size()),
      first_tunnel_(plane.tuns_.size()),
      bursts_(plane.sockets_.size()),
      burst_tunnel_(plane.sockets_.size()) {
  for (std::size_t tun = 0; tun < plane.tuns_.size(); ++tun) readiness_.add(plane.tuns_[tun].queues[queue].get(), tun);
  for (std::size_t tunnel = plane.paths_.size(); tunnel-- > 0;) first_tunnel_[plane.paths_[tunnel]->tun] = tunnel;
}

void DataPlane::Sender::run() {
  for (;;) {
    const auto ready = readiness_.wait();
    if (ready.empty()) return;
    for (const std::size_t tun : ready) drain(tun);
  }
}

void DataPlane::Sender::drain(std::size_t tun) {
  const int queue = plane_.tuns_[tun].queues[queue_].get();
  const vpn::SaTable::Reader sas{plane_.sas_, worker_};
  for (std::size_t frames = 0; frames < frames_at_once; ++frames) {
    const auto frame = read_frame(queue, frame_);
    if (!frame) {
      if (frame.error() == NoFrame::interface_gone) lose(tun);
      break;
    }
    take(tun, *frame, sas);
  }
  send();
}

void DataPlane::Sender::lose(std::size_t tun) {
  readiness_.remove(plane_.tuns_[tun].queues[queue_].get());
  plane_.tun_lost_[tun] = true;
}

void DataPlane::Sender::take(std::size_t tun, const TunFrame& frame, const vpn::SaTable::Reader& sas) {
  const auto tunnel = plane_.selectors_.outbound(frame.packet);
  const auto segments = vpn::Segments::of(frame.offload, frame.packet);
  if (!tunnel || plane_.paths_[*tunnel]->tun != tun || !segments) {
    ++plane_.paths_[first_tunnel_[tun]]->counters.dropped_selector;
    return;
  }
  Path& path = *plane_.paths_[*tunnel];
  vpn::OutboundSa* sa = sas.outbound(*tunnel);
  path.peer.refresh(peers_[*tunnel]);
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
  if (sent < segments->count()) path.counters.dropped_no_key += segments->count() - sent;
  path.counters.bytes_out += bytes;
  path.counters.packets_out += sent;
}

void DataPlane::Sender::send() {
  for (std::size_t socket = 0; socket < bursts_.size(); ++socket) {
    if (bursts_[socket].empty()) continue;
    const std::size_t refused = bursts_[socket].send(plane_.sockets_[socket].queues[queue_].get());
    if (refused > 0) plane_.paths_[burst_tunnel_[socket]]->counters.dropped_send += refused;
  }
}

}  // namespace cloister::drivers
