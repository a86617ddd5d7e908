#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "appliance/drivers/data_plane_workers.hpp"
#include "appliance/vpn/fragmentation.hpp"
#include "appliance/vpn/mss_clamp.hpp"
#include "appliance/vpn/packet_too_big.hpp"
#include "appliance/vpn/traffic_class.hpp"

namespace cloister::drivers {
namespace {

/// Frames of one interface before another's turn, and before those who change SAs, or stop the plane, get theirs.
constexpr std::size_t frames_at_once = 16;

std::uint8_t class_of(const PacketHandling& handling, std::span<const std::byte> packet) {
  return handling.dscp ? static_cast<std::uint8_t>(*handling.dscp << 2U) : vpn::traffic_class_of(packet);
}

/// How long a packet is to look: as the next of the lengths, as far as the way takes it.
std::size_t padded(const TunnelPath& path, std::size_t packet_bytes) {
  const auto& lengths = path.handling.pad_to;
  const auto next = std::ranges::lower_bound(lengths, packet_bytes);
  if (next == lengths.end()) return packet_bytes;
  return std::max(packet_bytes, std::min(*next, path.traffic->longest_inner.load(std::memory_order_relaxed)));
}

}  // namespace

DataPlane::Sender::Sender(DataPlane& plane, std::size_t queue, std::size_t worker)
    : plane_{plane},
      queue_{queue},
      worker_{worker},
      readiness_{plane.wake_events_[worker].get()},
      frame_(tun_frame_bytes_max),
      packet_(tun_frame_bytes_max) {}

void DataPlane::Sender::run() {
  for (;;) {
    const auto ready = readiness_.wait();
    busy_ = true;
    const std::scoped_lock lock{mutex_};
    if (ready.empty()) {
      if (!plane_.take_layout(worker_, layout_)) return;
      take_up_layout();
    }
    bool all = true;
    for (const std::size_t interface : ready) all = drain(interface) && all;
    busy_ = !all;
  }
}

std::unique_lock<std::mutex> DataPlane::Sender::stand_in(const Layout& layout, std::size_t interface) {
  if (busy_) return {};
  std::unique_lock lock{mutex_, std::try_to_lock};
  if (!lock) return lock;
  if (&layout != layout_.get() || layout.interfaces[interface]->lost) return {};
  readiness_.set(layout.interfaces[interface]->tun.queues[queue_].get(), interface, false);
  return lock;
}

void DataPlane::Sender::take_answers(std::unique_lock<std::mutex>& lock, std::size_t interface) {
  if (!take_frames(interface, true)) end_stand_in(lock, interface);
}

void DataPlane::Sender::end_stand_in(std::unique_lock<std::mutex>& lock, std::size_t interface) {
  send();
  if (!layout_->interfaces[interface]->lost)
    readiness_.set(layout_->interfaces[interface]->tun.queues[queue_].get(), interface, true);
  lock.unlock();
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

bool DataPlane::Sender::drain(std::size_t interface) {
  const bool all = take_frames(interface, false);
  send();
  return all;
}

bool DataPlane::Sender::take_frames(std::size_t interface, bool only_single) {
  const int queue = layout_->interfaces[interface]->tun.queues[queue_].get();
  const vpn::SaTable::Reader sas{plane_.sas_, worker_};
  for (std::size_t frames = 0; frames < frames_at_once; ++frames) {
    const auto frame = read_frame(queue, frame_);
    if (!frame) {
      if (frame.error() == NoFrame::interface_gone) lose(interface);
      return true;
    }
    take(interface, *frame, sas);
    if (only_single && frame->offload.segmentation != vpn::Offload::Segmentation::none) return false;
  }
  return false;
}

void DataPlane::Sender::lose(std::size_t interface) {
  readiness_.remove(layout_->interfaces[interface]->tun.queues[queue_].get());
  layout_->interfaces[interface]->lost = true;
}

void DataPlane::Sender::take(std::size_t interface, const TunFrame& frame, const vpn::SaTable::Reader& sas) {
  const auto tunnel = tunnel_of(interface, frame.packet);
  const auto segments = vpn::Segments::of(frame.offload, frame.packet);
  if (!tunnel || !segments) {
    ++layout_->paths[first_tunnel_[interface]].traffic->counters.dropped_selector;
    return;
  }
  const TunnelPath& path = layout_->paths[*tunnel];
  auto& counters = path.traffic->counters;
  path.traffic->peer.refresh(peers_[*tunnel]);
  burst_tunnel_[path.socket] = *tunnel;
  Way way{.path = path,
          .tunnel = *tunnel,
          .sa = sas.outbound(*tunnel),
          .pad = nullptr,
          .traffic_class = class_of(path.handling, frame.packet)};
  if (path.paced) {
    if (std::exchange(way.sa, nullptr) != nullptr) way.paced = path.paced.get();
  } else if (way.sa == nullptr) {
    way.pad = plane_.pads_.outbound(*tunnel);
  }
  if (segments->bytes(0) > path.traffic->longest_inner.load(std::memory_order_relaxed)) {
    take_too_long(way, interface, *segments);
  } else {
    const std::size_t laid = lay_segments(way, *segments);
    if (laid < segments->count()) counters.dropped_no_key += segments->count() - laid;
  }
  counters.bytes_out += way.bytes;
  counters.packets_out += way.packets;
  counters.sealed_packets += way.packets;
  counters.sealed_out += way.sealed_bytes;
}

/// How many of them there was a key for.
std::size_t DataPlane::Sender::lay_segments(Way& way, const vpn::Segments& segments) {
  const std::size_t clamped_to = way.path.handling.clamp_mss ? mtu_in_force(way.path) : 0;
  for (std::size_t i = 0; i < segments.count(); ++i) {
    const auto write = [&](std::span<std::byte> room) {
      segments.write(i, room);
      // A SYN is the first, where there are several.
      if (clamped_to != 0 && i == 0) vpn::clamp_mss(room.first(segments.bytes(i)), clamped_to);
    };
    if (!lay(way, segments.bytes(i), write)) return i;
  }
  return segments.count();
}

/// One inner packet, which `write` writes into the room that it is given. False: there is no key for it.
template <class Write>
bool DataPlane::Sender::lay(Way& way, std::size_t packet_bytes, Write write) {
  if (way.sa == nullptr) return lay_elsewhere(way, packet_bytes, write);
  SendBurst& burst = bursts_[way.path.socket];
  const std::size_t padded_bytes = padded(way.path, packet_bytes);
  auto room = burst.room(padded_bytes + vpn::esp_overhead_bytes_max);
  if (room.empty()) {
    send();
    room = burst.room(padded_bytes + vpn::esp_overhead_bytes_max);
  }
  write(room.subspan(vpn::esp_packet_at));
  const auto sealed = way.sa->seal(packet_bytes, padded_bytes, room);
  if (!sealed) return false;
  burst.commit(*sealed, peers_[way.tunnel].address, way.traffic_class);
  way.bytes += packet_bytes;
  way.sealed_bytes += padded_bytes;
  ++way.packets;
  return true;
}

template <class Write>
bool DataPlane::Sender::lay_elsewhere(Way& way, std::size_t packet_bytes, Write write) {
  if (way.paced != nullptr) {
    lay_to_wait(way, packet_bytes, write);
    return true;
  }
  if (!way.pad) return false;
  const auto room = room_under_pad(way, packet_bytes);
  if (room.empty()) return true;
  write(room.subspan(vpn::pad_packet_at));
  seal_under_pad(way, packet_bytes, room);
  return true;  // a shorter one may go where this one did not
}

/// The pacer counts it when it goes.
template <class Write>
void DataPlane::Sender::lay_to_wait(Way& way, std::size_t packet_bytes, Write write) {
  auto& counters = way.path.traffic->counters;
  if (packet_bytes > way.path.handling.mtu) {
    ++counters.dropped_too_big;
    return;
  }
  const std::scoped_lock lock{way.paced->mutex};
  const auto room = way.paced->waiting.room(packet_bytes);
  if (room.empty()) {
    ++counters.dropped_over_rate;
    return;
  }
  write(room);
  if (!way.paced->waiting.commit(packet_bytes)) ++counters.dropped_selector;
}

/// Packets that do not fit the way to the peer: whoever forbids to cut them is told, others are cut.
void DataPlane::Sender::take_too_long(Way& way, std::size_t interface, const vpn::Segments& segments) {
  auto& counters = way.path.traffic->counters;
  const std::size_t longest = way.path.traffic->longest_inner.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < segments.count(); ++i) {
    segments.write(i, packet_);
    const auto packet = std::span{packet_}.first(segments.bytes(i));
    if (packet.size() > longest && vpn::may_not_be_cut(packet)) {
      // The sender's next ones are shorter: all of a frame are of one flow, and one word is enough.
      counters.dropped_too_big += segments.count() - i;
      if (!answers_.take(std::chrono::steady_clock::now())) return;
      std::array<std::byte, vpn::packet_too_big_bytes_max> room{};
      const auto bytes = vpn::write_packet_too_big(packet, longest, room);
      const int queue = layout_->interfaces[interface]->tun.queues[queue_].get();
      if (bytes) write_frame(queue, {{}, std::span{room}.first(*bytes)});
      return;
    }
    if (!lay_fragments(way, packet, longest)) ++counters.dropped_no_key;
  }
}

bool DataPlane::Sender::lay_fragments(Way& way, std::span<const std::byte> packet, std::size_t longest) {
  if (packet.size() <= longest)
    return lay(way, packet.size(), [&](std::span<std::byte> room) { std::ranges::copy(packet, room.begin()); });
  const auto fragments = vpn::Fragments::of(packet, longest);
  if (!fragments) {
    ++way.path.traffic->counters.dropped_too_big;
    return true;
  }
  for (std::size_t i = 0; i < fragments->count(); ++i) {
    if (!lay(way, fragments->bytes(i), [&](std::span<std::byte> room) { fragments->write(i, room); })) return false;
  }
  return true;
}

std::optional<std::size_t> DataPlane::Sender::tunnel_of(std::size_t interface,
                                                        std::span<const std::byte> packet) const {
  const auto& selectors = layout_->selectors;
  if (const std::size_t only = first_tunnel_[interface]; layout_->paths[only].routed)
    return selectors.routed_allowed(only, packet) ? std::optional{only} : std::nullopt;
  const auto tunnel = selectors.outbound(packet);
  return tunnel && layout_->paths[*tunnel].interface == interface ? tunnel : std::nullopt;
}

void DataPlane::Sender::send() {
  for (std::size_t socket = 0; socket < bursts_.size(); ++socket) {
    if (bursts_[socket].empty()) continue;
    const auto refused = bursts_[socket].send(layout_->sockets[socket]->queues[queue_].get());
    if (refused.datagrams == 0) continue;
    layout_->paths[burst_tunnel_[socket]].traffic->count(refused);
  }
}

}  // namespace cloister::drivers
