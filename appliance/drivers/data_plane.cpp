#include "appliance/drivers/data_plane.hpp"

#include <sys/eventfd.h>

#include <algorithm>

#include "appliance/drivers/data_plane_workers.hpp"
#include "appliance/vpn/aggregate.hpp"
#include "appliance/vpn/packet_too_big.hpp"
#include "crypto/crash.hpp"

namespace cloister::drivers {

std::size_t data_plane_queues() {
  constexpr std::size_t queues_max = 16;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, queues_max);
}

DataPlane::DataPlane(std::size_t queues)
    : sas_{data_plane_tunnels_max, 2 * queues + 1}, sending_(data_plane_tunnels_max) {
  const std::size_t pacer = 2 * queues;
  for (std::size_t worker = 0; worker <= pacer; ++worker)
    wake_events_.emplace_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  for (std::size_t queue = 0; queue < queues; ++queue) {
    senders_.push_back(std::make_unique<Sender>(*this, queue, 2 * queue));
    Sender& sender = *senders_.back();
    workers_.emplace_back([&sender] {
      crypto::wipe_on_overflow();
      sender.run();
    });
    workers_.emplace_back([this, &sender, queue] {
      crypto::wipe_on_overflow();
      Receiver{*this, sender, queue, 2 * queue + 1}.run();
    });
  }
  workers_.emplace_back([this, pacer] {
    crypto::wipe_on_overflow();
    Pacer{*this, pacer}.run();
  });
}

DataPlane::~DataPlane() {
  stopping_ = true;
  wake_workers();
}

void DataPlane::wake_workers() {
  const std::uint64_t one = 1;
  for (const auto& event : wake_events_) static_cast<void>(::write(event.get(), &one, sizeof one) == sizeof one);
}

void DataPlane::apply(Layout next) {
  layout_ = std::make_shared<const Layout>(std::move(next));
  behind_ = wake_events_.size();  // publishes it: no worker looks before it is woken
  wake_workers();
  for (std::size_t left = behind_; left > 0; left = behind_) behind_.wait(left);
  show_carriers();
  set_socket_options();
  for (std::size_t tunnel = 0; tunnel < layout_->paths.size(); ++tunnel) {
    if (layout_->paths[tunnel].traffic) learn_path_mtu(tunnel);
  }
}

/// Tunnels of a socket are cut alike; one that must be, as its way is too narrow for IPv6, has the others' datagrams
/// cut only where they are longer than their way, and such are not sent.
void DataPlane::set_socket_options() const {
  std::vector<UdpOptions> options(layout_->sockets.size());
  for (const auto& path : layout_->paths) {
    if (!path.traffic) continue;
    auto& wanted = options[path.socket];
    if (path.handling.fragment_outer) wanted.cut = UdpOptions::Cut::anywhere;
    if (path.traffic->below_floor && wanted.cut == UdpOptions::Cut::nowhere) wanted.cut = UdpOptions::Cut::here;
    wanted.tell_traffic_class = wanted.tell_traffic_class || !path.handling.dscp;
  }
  for (std::size_t i = 0; i < options.size(); ++i) set_options(*layout_->sockets[i], options[i]);
}

bool DataPlane::learn_path_mtu(std::size_t tunnel) {
  const TunnelPath& path = layout_->paths[tunnel];
  TunnelTraffic& traffic = *path.traffic;
  PeerEndpoint::Copy peer;
  traffic.peer.refresh(peer);
  const bool v6 = peer.address.storage.ss_family == AF_INET6;
  const auto known = drivers::path_mtu(*layout_->sockets[path.socket], peer.address);
  const bool any = path.handling.fragment_outer || !known;
  const auto longest = path.handling.one_time_pad ? vpn::pad_inner_mtu : vpn::inner_mtu;
  const std::size_t around = path.paced ? vpn::aggregate_header_bytes : 0;
  const std::size_t fits = any ? TunnelTraffic::any_bytes : std::max(longest(*known, v6), around) - around;
  traffic.longest_inner =
      path.paced ? std::min(std::max(fits, longest_inner_min), path.handling.mtu) : std::max(fits, longest_inner_min);
  if (traffic.below_floor.exchange(fits < longest_inner_min) != (fits < longest_inner_min)) set_socket_options();
  traffic.refused_for_length = false;
  return traffic.path_mtu.exchange(known.value_or(0)) != known.value_or(0);
}

/// An interface that the tunnels' subnets lead into always has one: what cannot be sent is dropped and counted.
void DataPlane::show_carriers() const {
  std::vector<bool> carriers(layout_->interfaces.size(), true);
  for (std::size_t tunnel = 0; tunnel < layout_->paths.size(); ++tunnel) {
    if (const auto& path = layout_->paths[tunnel]; path.routed) carriers[path.interface] = sending_[tunnel];
  }
  for (std::size_t i = 0; i < carriers.size(); ++i) set_carrier(layout_->interfaces[i]->tun, carriers[i]);
}

bool DataPlane::take_layout(std::size_t worker, std::shared_ptr<const Layout>& current) {
  std::uint64_t wakes = 0;
  static_cast<void>(::read(wake_events_[worker].get(), &wakes, sizeof wakes) == sizeof wakes);
  if (stopping_ || behind_ == 0) return !stopping_;
  current = layout_;
  if (--behind_ == 0) behind_.notify_one();
  return true;
}

void DataPlane::install_inbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key) {
  sas_.install_inbound(tunnel, spi, std::move(key));
}

void DataPlane::install_outbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) {
  sas_.install_outbound(tunnel, spi, std::move(key), packets_max);
  show_carrier(tunnel, true);
}

void DataPlane::retire_inbound(vpn::Spi spi) { sas_.retire_inbound(spi); }

void DataPlane::retire_outbound(std::size_t tunnel) {
  sas_.retire_outbound(tunnel);  // first: the other may wait for those who change interfaces
  show_carrier(tunnel, false);
}

void DataPlane::show_carrier(std::size_t tunnel, bool carrier) {
  if (sending_[tunnel] == carrier) return;
  sending_[tunnel] = carrier;
  if (tunnel >= layout_->paths.size() || !layout_->paths[tunnel].routed) return;
  set_carrier(layout_->interfaces[layout_->paths[tunnel].interface]->tun, carrier);
}

}  // namespace cloister::drivers
