#pragma once
/// Packets: TUN to UDP and back, through the SAs that the rekey engines install.
///
///   red network ─▶ TUN ─▶ [sender]  selectors, cut, OutboundSa ─▶ UDP ─▶ black network      one sender and one receiver
///   red network ◀─ TUN ◀─ [receiver] join, selectors, InboundSa ◀─ UDP ◀─ black network     for each queue
///
/// A queue's sender reads that queue of every TUN interface, its receiver that queue of every socket; the kernel keeps
/// a flow on one queue, so its order is kept. Between start and stop workers allocate nothing, and take no lock but to
/// learn that a peer has moved. A packet without an SA is dropped and counted; nothing leaves in clear.
///
/// A peer is where its newest authenticated packet came from, so a NAT may change its address or port.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "appliance/drivers/data_plane_path.hpp"
#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/drivers/tun.hpp"
#include "appliance/drivers/udp.hpp"
#include "appliance/vpn/sa_table.hpp"
#include "appliance/vpn/selectors.hpp"

namespace cloister::drivers {

class DataPlane {
 public:
  /// `selectors` knows the tunnels by their index in `paths`. Interfaces and sockets all have `queues` queues.
  DataPlane(std::vector<Tun> tuns, std::vector<UdpSocket> sockets, const std::vector<TunnelPath>& paths,
            vpn::SelectorTable selectors, std::size_t queues);
  ~DataPlane();  // joins the workers
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  /// By any thread. A retired key is wiped when the call returns.
  void install_inbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key);
  void install_outbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key);
  void retire_inbound(vpn::Spi spi);
  void retire_outbound(std::size_t tunnel);

  [[nodiscard]] const TunnelCounters& counters(std::size_t tunnel) const { return paths_[tunnel]->counters; }
  /// Whether the tunnel's interface was deleted under us; it does not come back.
  [[nodiscard]] bool interface_lost(std::size_t tunnel) const { return tun_lost_[paths_[tunnel]->tun]; }
  /// Datagrams that belong to no SA of ours.
  [[nodiscard]] std::uint64_t unknown_datagrams() const { return unknown_datagrams_.load(); }

 private:
  class Sender;
  class Receiver;

  std::vector<Tun> tuns_;
  std::vector<UdpSocket> sockets_;
  std::vector<std::unique_ptr<Path>> paths_;
  vpn::SelectorTable selectors_;
  vpn::SaTable sas_;
  std::vector<std::atomic<bool>> tun_lost_;  // by interface
  std::atomic<std::uint64_t> unknown_datagrams_{0};
  FileDescriptor stop_event_;
  std::vector<std::jthread> workers_;
};

/// How many queues this machine's cores are worth.
[[nodiscard]] std::size_t data_plane_queues();

}  // namespace cloister::drivers
