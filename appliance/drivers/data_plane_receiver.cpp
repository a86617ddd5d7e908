#include <algorithm>

#include "appliance/drivers/data_plane_workers.hpp"
#include "appliance/vpn/aggregate.hpp"
#include "appliance/vpn/mss_clamp.hpp"
#include "appliance/vpn/traffic_class.hpp"

namespace cloister::drivers {
namespace {

constexpr std::byte keep_alive{0xFF};  // RFC 3948, 2.3
constexpr std::size_t udp_payload_bytes_max = 65'535;
// Before what was joined so far is written: where a batch ends within a super-packet, the next one goes on with it.
constexpr std::size_t batches_at_once = 4;
// More take long, some milliseconds where packets are small: the sender does not wait for them, nor what was joined.
constexpr std::size_t datagrams_quick = 768;

vpn::Coalescer::Device device_of(const std::vector<std::shared_ptr<Interface>>& interfaces) {
  return {.tcp = std::ranges::all_of(interfaces, [](const auto& each) { return each->tun.tcp_segmentation; }),
          .udp = std::ranges::all_of(interfaces, [](const auto& each) { return each->tun.udp_segmentation; })};
}

vpn::SaTable::Inbound* inbound_of(std::span<const std::byte> datagram, const vpn::SaTable::Reader& sas) {
  const auto spi = vpn::peek_spi(datagram);
  return spi ? sas.inbound(*spi) : nullptr;
}

}  // namespace

DataPlane::Receiver::Receiver(DataPlane& plane, Sender& sender, std::size_t queue, std::size_t worker)
    : plane_{plane},
      sender_{sender},
      queue_{queue},
      worker_{worker},
      readiness_{plane.wake_events_[worker].get()},
      coalescer_{device_of({})},
      aggregate_(udp_payload_bytes_max) {}

void DataPlane::Receiver::take_up_layout() {
  readiness_ = Readiness{plane_.wake_events_[worker_].get()};
  const auto& sockets = layout_->sockets;
  for (std::size_t i = 0; i < sockets.size(); ++i) readiness_.add(sockets[i]->queues[queue_].get(), i);
  peers_.assign(layout_->paths.size(), {});
  coalescer_ = vpn::Coalescer{device_of(layout_->interfaces)};
  tally_ = {};
}

void DataPlane::Receiver::run() {
  for (;;) {
    const auto ready = readiness_.wait();
    if (ready.empty()) {
      if (!plane_.take_layout(worker_, layout_)) return;
      take_up_layout();
    }
    for (const std::size_t socket : ready) {
      std::size_t datagrams = 0;
      for (std::size_t batch = 0; batch < batches_at_once && datagrams <= datagrams_quick; ++batch) {
        const std::size_t runs = burst_.receive(layout_->sockets[socket]->queues[queue_].get());
        datagrams += burst_.datagrams();
        const vpn::SaTable::Reader sas{plane_.sas_, worker_};
        if (datagrams > datagrams_quick)
          end_stand_in();
        else if (batch == 0 && runs > 0)
          stand_in(burst_.run(0), sas);
        for (std::size_t i = 0; i < runs; ++i) take(burst_.run(i), sas);
        if (!burst_.full()) break;
      }
      write(coalescer_.flush());
      add_tally();
      end_stand_in();
    }
  }
}

void DataPlane::Receiver::stand_in(const ReceiveBurst::Run& run, const vpn::SaTable::Reader& sas) {
  const auto* inbound = inbound_of(run.bytes, sas);
  if (inbound == nullptr) return;
  stand_in_for_ = layout_->paths[inbound->tunnel].interface;
  stand_in_ = sender_.stand_in(*layout_, stand_in_for_);
}

void DataPlane::Receiver::end_stand_in() {
  if (stand_in_) sender_.end_stand_in(stand_in_, stand_in_for_);
}

void DataPlane::Receiver::take(const ReceiveBurst::Run& run, const vpn::SaTable::Reader& sas) {
  for (auto rest = run.bytes; !rest.empty();) {
    const auto datagram = rest.first(std::min(run.segment_bytes, rest.size()));
    rest = rest.subspan(datagram.size());
    if (datagram.size() == 1 && datagram[0] == keep_alive) continue;
    if (auto* inbound = inbound_of(datagram, sas); inbound != nullptr)
      open(datagram, run, *inbound);
    else if (!open_under_pad(datagram, run))
      ++plane_.unknown_datagrams_;
  }
}

void DataPlane::Receiver::open(std::span<const std::byte> datagram, const ReceiveBurst::Run& run,
                               vpn::SaTable::Inbound& inbound) {
  const TunnelPath& path = layout_->paths[inbound.tunnel];
  auto& counters = path.traffic->counters;
  const auto opened = inbound.sa.open(datagram, room_for(path, datagram.size()));
  if (!opened) {
    coalescer_.abandon();
    ++(opened.error() == vpn::EspError::replayed ? counters.replays : counters.authentication_failures);
    return;
  }
  if (opened->newest) learn_peer(inbound.tunnel, run);
  switch (opened->content) {
    case vpn::InboundSa::Content::packet:
      return deliver(inbound.tunnel, opened->packet, run);
    case vpn::InboundSa::Content::aggregate:
      return take_apart(inbound.tunnel, opened->packet, run);
    case vpn::InboundSa::Content::dummy:
      coalescer_.abandon();
      ++counters.dummies_in;
  }
}

std::span<std::byte> DataPlane::Receiver::room_for(const TunnelPath& path, std::size_t bytes) {
  if (path.interface != interface_) {
    write(coalescer_.flush());
    interface_ = path.interface;
  }
  return coalescer_.room(bytes);
}

void DataPlane::Receiver::learn_peer(std::size_t tunnel, const ReceiveBurst::Run& run) {
  auto& endpoint = layout_->paths[tunnel].traffic->peer;
  auto& peer = peers_[tunnel];
  endpoint.refresh(peer);
  if (!(peer.address == *run.source)) endpoint.move_to(*run.source);
}

/// Each of its packets is copied to where one that came alone would lie. Who has no constant rate was sent none by this
/// software.
void DataPlane::Receiver::take_apart(std::size_t tunnel, std::span<const std::byte> aggregate,
                                     const ReceiveBurst::Run& run) {
  const TunnelPath& path = layout_->paths[tunnel];
  auto& counters = path.traffic->counters;
  if (!path.paced) {
    coalescer_.abandon();
    ++counters.dropped_selector;
    return;
  }
  std::ranges::copy(aggregate, aggregate_.begin());
  coalescer_.abandon();
  vpn::AggregateReader packets{std::span{aggregate_}.first(aggregate.size())};
  std::size_t count = 0;
  for (auto packet = packets.next(); packet; packet = packets.next(), ++count) {
    const auto room = room_for(path, packet->size());
    std::ranges::copy(*packet, room.begin());
    deliver(tunnel, room, run);
  }
  if (packets.malformed())
    ++counters.dropped_selector;
  else if (count == 0)
    ++counters.dummies_in;
}

void DataPlane::Receiver::deliver(std::size_t tunnel, std::span<std::byte> packet, const ReceiveBurst::Run& run) {
  const TunnelPath& path = layout_->paths[tunnel];
  auto& counters = path.traffic->counters;
  if (!layout_->selectors.inbound_allowed(tunnel, packet)) {
    coalescer_.abandon();
    ++counters.dropped_selector;
    return;
  }
  if (!path.handling.dscp && !vpn::take_congestion(packet, run.traffic_class)) {
    coalescer_.abandon();
    ++counters.dropped_congested;
    return;
  }
  if (path.handling.clamp_mss) vpn::clamp_mss(packet, mtu_in_force(path));
  count(tunnel, packet.size());
  write(coalescer_.add(packet));
}

void DataPlane::Receiver::count(std::size_t tunnel, std::size_t bytes) {
  if (tally_.tunnel != tunnel) {
    add_tally();
    tally_.tunnel = tunnel;
  }
  ++tally_.packets;
  tally_.bytes += bytes;
}

void DataPlane::Receiver::add_tally() {
  if (tally_.packets == 0) return;
  auto& counters = layout_->paths[tally_.tunnel].traffic->counters;
  counters.packets_in += tally_.packets;
  counters.bytes_in += tally_.bytes;
  tally_ = {.tunnel = tally_.tunnel};
}

void DataPlane::Receiver::write(const std::optional<vpn::Coalescer::Frame>& frame) {
  if (!frame) return;
  const int queue = layout_->interfaces[interface_]->tun.queues[queue_].get();
  if (write_frame(queue, {frame->offload, frame->packet}) == Written::done) {
    if (stand_in_ && interface_ == stand_in_for_) sender_.take_answers(stand_in_, interface_);
    return;
  }
  // The driver refuses what it said it takes: it gets the packets one by one.
  const auto segments = vpn::Segments::of(frame->offload, frame->packet);
  std::vector<std::byte> packet(segments->bytes(0));
  for (std::size_t i = 0; i < segments->count(); ++i) {
    segments->write(i, packet);
    write_frame(queue, {{}, std::span{packet}.first(segments->bytes(i))});
  }
}

}  // namespace cloister::drivers
