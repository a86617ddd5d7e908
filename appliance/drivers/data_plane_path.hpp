#pragma once
/// What the workers of the data plane share: the tunnels, their interfaces and their sockets.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "appliance/drivers/tun.hpp"
#include "appliance/drivers/udp.hpp"
#include "appliance/drivers/udp_burst.hpp"
#include "appliance/vpn/constant_rate.hpp"
#include "appliance/vpn/selectors.hpp"

namespace cloister::drivers {

/// Counters of one tunnel; written by workers, read by anyone.
struct TunnelCounters {
  std::atomic<std::uint64_t> bytes_out{0};  // inner bytes
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> packets_out{0};
  std::atomic<std::uint64_t> sealed_out{0};      // bytes under the key: the inner ones, padding, headers of fragments
  std::atomic<std::uint64_t> sealed_packets{0};  // datagrams under the key
  std::atomic<std::uint64_t> packets_in{0};
  std::atomic<std::uint64_t> dropped_no_key{0};
  std::atomic<std::uint64_t> dropped_selector{0};
  std::atomic<std::uint64_t> dropped_send{0};       // the socket took no more
  std::atomic<std::uint64_t> dropped_too_big{0};    // did not fit the way to the peer, and might not be cut
  std::atomic<std::uint64_t> dropped_congested{0};  // met congestion, and its sender would not understand the mark
  std::atomic<std::uint64_t> authentication_failures{0};
  std::atomic<std::uint64_t> replays{0};
  // Of a tunnel of constant rate.
  std::atomic<std::uint64_t> dropped_over_rate{0};  // too many packets waited
  std::atomic<std::uint64_t> dummies_out{0};        // datagrams without any packet
  std::atomic<std::uint64_t> dummies_in{0};
  std::atomic<std::uint64_t> slots_missed{0};  // datagrams that were not sent in time, and so not at all
};

/// Where the peer is. It changes seldom: readers keep a copy, and look only whether the version is still theirs.
class PeerEndpoint {
 public:
  struct Copy {
    std::uint32_t version = 0;
    SocketAddress address;
  };

  explicit PeerEndpoint(const SocketAddress& address) : address_{address} {}

  void refresh(Copy& copy) const {
    if (copy.version == version_.load(std::memory_order_acquire)) return;
    const std::scoped_lock lock{mutex_};
    copy = {version_.load(std::memory_order_relaxed), address_};
  }
  void move_to(const SocketAddress& address) {
    const std::scoped_lock lock{mutex_};
    if (address_ == address) return;
    address_ = address;
    version_.fetch_add(1, std::memory_order_release);
  }

 private:
  mutable std::mutex mutex_;
  SocketAddress address_;  // guarded by mutex_
  std::atomic<std::uint32_t> version_{1};
};

/// What of a tunnel outlives a change of layout.
struct TunnelTraffic {
  explicit TunnelTraffic(const SocketAddress& first) : peer{first} {}
  PeerEndpoint peer;
  TunnelCounters counters;
  std::atomic<std::size_t> path_mtu{0};               // of the way to the peer, in outer bytes; 0: not known
  std::atomic<bool> below_floor{false};               // it takes less than a packet of `longest_inner_min` bytes needs
  std::atomic<bool> refused_for_length{false};        // a datagram, since it was last asked for
  std::atomic<std::size_t> longest_inner{any_bytes};  // that fits it

  void count(const SendBurst::Refused& refused) {
    counters.dropped_send += refused.datagrams - refused.too_long;
    counters.dropped_too_big += refused.too_long;
    if (refused.too_long > 0) refused_for_length = true;
  }

  static constexpr std::size_t any_bytes = 65'535;
};

/// IPv6 inside needs so much (RFC 8200, section 5); for what a narrower way does not take, datagrams are cut outside.
/// So nobody who says that a way is narrow, which no router signs, makes packets shorter than this.
inline constexpr std::size_t longest_inner_min = 1280;

/// What becomes of a tunnel's packets besides.
struct PacketHandling {
  std::size_t mtu = 1420;  // of the interface
  bool clamp_mss = true;
  bool fragment_outer = false;           // of all paths of a socket alike
  std::optional<std::uint8_t> dscp = 0;  // of outer packets; none: the inner one's, with its ECN
  std::vector<std::size_t> pad_to = {};  // ascending
  bool one_time_pad = false;             // its packets are of that wire type
  std::uint32_t packets_per_second = 0;  // constant; 0: as they come
};

/// What of a tunnel of constant rate lies between the senders, which put packets in, and the pacer, which sends them.
struct PacedTraffic {
  PacedTraffic(std::uint32_t per_second, std::size_t mtu) : waiting{per_second, mtu}, slots{per_second} {}
  std::mutex mutex;
  vpn::WaitingPackets waiting;  // guarded by mutex
  vpn::SendSlots slots;         // the pacer's
};

struct Interface {
  explicit Interface(Tun opened) : tun{std::move(opened)} {}
  Tun tun;
  std::atomic<bool> lost{false};  // deleted under us: it does not come back
};

/// Where a tunnel's packets come from and go to.
struct TunnelPath {
  std::size_t interface = 0;  // index into the layout's interfaces
  std::size_t socket = 0;     // index into its sockets
  SocketAddress peer;         // as configured: where it is first
  PacketHandling handling;
  bool routed = false;  // the interface is its alone, and the kernel's routing table leads packets into it
  std::shared_ptr<TunnelTraffic> traffic;
  std::shared_ptr<PacedTraffic> paced = nullptr;  // where it has a constant rate
};

[[nodiscard]] inline std::size_t mtu_in_force(const TunnelPath& path) {
  return std::min(path.handling.mtu, path.traffic->longest_inner.load(std::memory_order_relaxed));
}

/// All that the workers work by, at a time.
struct Layout {
  std::vector<std::shared_ptr<Interface>> interfaces;
  std::vector<std::shared_ptr<const UdpSocket>> sockets;
  std::vector<TunnelPath> paths;  // by the tunnels' numbers; one without traffic is none
  vpn::SelectorTable selectors;   // knows tunnels by number
};

}  // namespace cloister::drivers
