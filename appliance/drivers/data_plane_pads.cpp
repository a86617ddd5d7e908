// Packets under one-time pads. There are as few true ones as there is key, so they take no part in what makes the rest fast.
// What is made up costs as much as a packet of its length, hashed once and outside of any lock.
#include "appliance/drivers/data_plane_workers.hpp"

namespace cloister::drivers {

std::span<std::byte> DataPlane::Sender::room_under_pad(Way& way, std::size_t packet_bytes) {
  SendBurst& burst = bursts_[way.path.socket];
  const std::size_t datagram_bytes = vpn::pad_datagram_bytes(packet_bytes);
  if (datagram_bytes == 0) {
    ++way.path.traffic->counters.dropped_too_big;
    return {};
  }
  auto room = burst.room(datagram_bytes);
  if (room.empty()) {
    send();
    room = burst.room(datagram_bytes);
  }
  return room;
}

void DataPlane::Sender::seal_under_pad(Way& way, std::size_t packet_bytes, std::span<std::byte> room) {
  const auto sealed = way.pad->seal(packet_bytes, room);
  if (!sealed) {
    auto& counters = way.path.traffic->counters;
    ++(sealed.error() == vpn::PadError::used_up ? counters.dropped_no_key : counters.dropped_selector);
    return;
  }
  bursts_[way.path.socket].commit(*sealed, peers_[way.tunnel].address, way.traffic_class);
  way.bytes += packet_bytes;
  ++way.packets;
}

bool DataPlane::Receiver::open_under_pad(std::span<const std::byte> datagram, const ReceiveBurst::Run& run) {
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
  if (opened->newest) learn_peer(inbound.tunnel, run);
  deliver(inbound.tunnel, opened->packet, run);
  return true;
}

}  // namespace cloister::drivers
