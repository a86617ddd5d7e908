// Packets under one-time pads. There are as few true ones as there is key, so they take no part in what makes the rest fast.
// What is made up costs as much as a packet of its length, hashed once and outside of any lock.
#include "appliance/drivers/data_plane_workers.hpp"

namespace cloister::drivers {

void DataPlane::Sender::take_under_pad(std::size_t tunnel, const vpn::Segments& segments, vpn::OutboundPadSa& sa) {
  const TunnelPath& path = layout_->paths[tunnel];
  auto& counters = path.traffic->counters;
  path.traffic->peer.refresh(peers_[tunnel]);
  SendBurst& burst = bursts_[path.socket];
  burst_tunnel_[path.socket] = tunnel;
  for (std::size_t i = 0; i < segments.count(); ++i) {
    const std::size_t packet_bytes = segments.bytes(i);
    const std::size_t datagram_bytes = vpn::pad_datagram_bytes(packet_bytes);
    auto room = burst.room(datagram_bytes);
    if (room.empty()) {
      send();
      room = burst.room(datagram_bytes);
    }
    if (datagram_bytes == 0 || room.empty()) {
      ++counters.dropped_send;
      continue;
    }
    segments.write(i, room.subspan(vpn::pad_packet_at));
    const auto sealed = sa.seal(packet_bytes, room);
    if (!sealed) {
      ++(sealed.error() == vpn::PadError::used_up ? counters.dropped_no_key : counters.dropped_selector);
      continue;  // a shorter one may still go
    }
    burst.commit(*sealed, peers_[tunnel].address);
    ++counters.packets_out;
    counters.bytes_out += packet_bytes;
  }
}

bool DataPlane::Receiver::open_under_pad(std::span<const std::byte> datagram, const SocketAddress& source) {
  const auto spi = vpn::peek_pad_sa(datagram);
  const auto inbound = spi ? plane_.pads_.inbound(*spi) : vpn::PadTable::Inbound{};
  if (!inbound.sa) return false;
  const TunnelPath& path = layout_->paths[inbound.tunnel];
  const auto opened = inbound.sa->open(datagram, room_for(path, datagram.size()));
  if (!opened) {
    coalescer_.abandon();
    auto& counters = path.traffic->counters;
    switch (opened.error()) {
      case vpn::PadError::replayed:
        ++counters.replays;
        break;
      case vpn::PadError::authentication_failed:
        ++counters.authentication_failures;
        break;
      default:  // no packet of an SA, whatever it says
        ++plane_.unknown_datagrams_;
    }
    return true;
  }
  deliver(inbound.tunnel, opened->packet, opened->newest, source);
  return true;
}

}  // namespace cloister::drivers
