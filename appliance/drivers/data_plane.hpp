#pragma once
/// Packets: TUN to UDP and back, through the SAs that the rekey engines install.
///
///   red network ─▶ TUN ─▶ [sender thread of the tunnel] selectors, OutboundSa ─▶ UDP socket ─▶ black network
///   red network ◀─ TUN ◀─ [receiver thread of the socket] InboundSa, selectors ◀─ UDP socket ◀─ black network
///
/// A packet without an SA is dropped and counted; nothing leaves in clear. Install and retire may be called from
/// another thread than the workers'; a worker holds the lock for a batch of packets.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/drivers/tun.hpp"
#include "appliance/drivers/udp.hpp"
#include "appliance/vpn/esp.hpp"
#include "appliance/vpn/selectors.hpp"
#include "crypto/error.hpp"

namespace cloister::drivers {

/// Counters of one tunnel; written by workers, read by anyone.
struct TunnelCounters {
  std::atomic<std::uint64_t> bytes_out{0};  // inner bytes
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> packets_out{0};
  std::atomic<std::uint64_t> packets_in{0};
  std::atomic<std::uint64_t> dropped_no_key{0};
  std::atomic<std::uint64_t> dropped_selector{0};
  std::atomic<std::uint64_t> dropped_send{0};  // the socket took no more
  std::atomic<std::uint64_t> authentication_failures{0};
  std::atomic<std::uint64_t> replays{0};
};

struct TunnelPath {
  Tun tun;
  std::size_t socket = 0;  // index into the data plane's sockets
  SocketAddress peer;
};

class DataPlane {
 public:
  /// `selectors` knows the tunnels by their index in `paths`.
  DataPlane(std::vector<UdpSocket> sockets, std::vector<TunnelPath> paths, vpn::SelectorTable selectors);
  ~DataPlane();  // joins the workers
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  void install_inbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key);
  void install_outbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key);
  void retire_inbound(vpn::Spi spi);
  void retire_outbound(std::size_t tunnel);

  [[nodiscard]] const TunnelCounters& counters(std::size_t tunnel) const;
  /// Datagrams that belong to no SA of ours.
  [[nodiscard]] std::uint64_t unknown_datagrams() const { return unknown_datagrams_; }

 private:
  struct Path;
  struct Inbound;

  void send_loop(const std::stop_token& stop, std::size_t tunnel);
  void receive_loop(const std::stop_token& stop, std::size_t socket);
  void deliver(std::span<const std::byte> datagram, std::span<std::byte> scratch);

  std::vector<UdpSocket> sockets_;
  std::vector<std::unique_ptr<Path>> paths_;
  vpn::SelectorTable selectors_;
  std::mutex inbound_mutex_;
  std::map<vpn::Spi, Inbound> inbound_;  // guarded by inbound_mutex_
  std::atomic<std::uint64_t> unknown_datagrams_{0};
  FileDescriptor stop_event_;
  std::vector<std::jthread> workers_;
};

}  // namespace cloister::drivers
