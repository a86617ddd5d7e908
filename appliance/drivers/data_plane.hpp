#pragma once
/// Packets: TUN to UDP and back, through the SAs that the rekey engines install.
///
///   red network ─▶ TUN ─▶ [sender]  selectors, cut, OutboundSa ─▶ UDP ─▶ black network      one sender and one receiver
///   red network ◀─ TUN ◀─ [receiver] join, selectors, InboundSa ◀─ UDP ◀─ black network     for each queue
///
/// Packets of a tunnel of constant rate wait between its senders and a pacer, one thread for all such tunnels.
///
/// A queue's sender reads that queue of every TUN interface, its receiver that queue of every socket; the kernel keeps
/// a flow on one queue, so its order is kept. While a layout stands workers allocate nothing, and take no lock but the
/// sender's of their queue, that of a constant rate, and one to learn that a peer has moved. A packet without an SA is
/// dropped and counted; nothing leaves in clear.
///
/// The layout is changed while traffic passes: each worker takes up the new one between two batches, and what waits for
/// it meanwhile waits in the kernel's queues. A tunnel that is in both loses nothing.
///
/// A peer is where its newest authenticated packet came from, so a NAT may change its address or port.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "appliance/drivers/data_plane_path.hpp"
#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/vpn/pad_table.hpp"
#include "appliance/vpn/sa_table.hpp"

namespace cloister::drivers {

/// How many tunnels there may be; they have numbers below it.
inline constexpr std::size_t data_plane_tunnels_max = 4096;

class DataPlane {
 public:
  /// Interfaces and sockets of its layouts all have `queues` queues. Before the first layout nothing passes.
  explicit DataPlane(std::size_t queues);
  ~DataPlane();  // joins the workers
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  /// When it returns all workers work by `next`, and none uses what is in the layout before alone. A tunnel that goes
  /// has no SAs any more.
  void apply(Layout next);

  /// By any thread. A retired key is wiped when the call returns.
  void install_inbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key);
  void retire_inbound(vpn::Spi spi);
  /// By the thread that applies layouts. The interface of a routed tunnel has a carrier while the tunnel can send.
  void install_outbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max);
  void retire_outbound(std::size_t tunnel);
  /// An authentic packet has come under it.
  [[nodiscard]] bool heard(vpn::Spi spi) { return sas_.heard(spi); }

  /// The SAs of tunnels under one-time pads: by any thread, tunnels by their numbers. Who retires one has burnt it.
  [[nodiscard]] vpn::PadTable& pads() { return pads_; }

  /// By the thread that applies layouts.
  [[nodiscard]] std::shared_ptr<const Layout> layout() const { return layout_; }
  [[nodiscard]] const TunnelCounters& counters(std::size_t tunnel) const {
    return layout_->paths[tunnel].traffic->counters;
  }
  /// Whether the tunnel's interface was deleted under us; it does not come back.
  [[nodiscard]] bool interface_lost(std::size_t tunnel) const {
    return layout_->interfaces[layout_->paths[tunnel].interface]->lost;
  }
  /// Asks the kernel how long a packet the way to the peer takes, and has longer ones refused from then on; true: it
  /// has changed. Where outer packets are cut, any is taken.
  bool learn_path_mtu(std::size_t tunnel);
  /// The kernel has refused a datagram for its length since then: it has learnt of a shorter way.
  [[nodiscard]] bool refused_for_length(std::size_t tunnel) const {
    return layout_->paths[tunnel].traffic->refused_for_length;
  }
  /// The way takes less than IPv6 inside needs: datagrams are cut outside.
  [[nodiscard]] bool cut_outside(std::size_t tunnel) const { return layout_->paths[tunnel].traffic->below_floor; }
  /// In outer bytes; 0: not known.
  [[nodiscard]] std::size_t path_mtu(std::size_t tunnel) const { return layout_->paths[tunnel].traffic->path_mtu; }
  /// The longest packet that goes into the tunnel now.
  [[nodiscard]] std::size_t mtu(std::size_t tunnel) const { return mtu_in_force(layout_->paths[tunnel]); }
  /// Of a tunnel of constant rate; of others 0.
  [[nodiscard]] std::uint32_t packets_per_second(std::size_t tunnel) const {
    return layout_->paths[tunnel].handling.packets_per_second;
  }
  /// Datagrams that belong to no SA of ours.
  [[nodiscard]] std::uint64_t unknown_datagrams() const { return unknown_datagrams_.load(); }

 private:
  class Sender;
  class Receiver;
  class Pacer;

  /// A worker has been woken: puts the layout to work by into the place of its current one. False: it is time to stop.
  bool take_layout(std::size_t worker, std::shared_ptr<const Layout>& current);
  void wake_workers();
  void set_socket_options() const;
  void show_carriers() const;
  void show_carrier(std::size_t tunnel, bool carrier);

  vpn::SaTable sas_;
  std::vector<bool> sending_;  // by tunnel: it has an outbound SA
  vpn::PadTable pads_;
  std::shared_ptr<const Layout> layout_ = std::make_shared<const Layout>();
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> behind_{0};  // workers that do not work by layout_ yet
  std::atomic<std::uint64_t> unknown_datagrams_{0};
  std::vector<FileDescriptor> wake_events_;       // by worker
  std::vector<std::unique_ptr<Sender>> senders_;  // by queue
  std::vector<std::jthread> workers_;
};

/// How many queues this machine's cores are worth.
[[nodiscard]] std::size_t data_plane_queues();

}  // namespace cloister::drivers
