#pragma once
/// Which tunnel a packet belongs to: by its addresses, the longest matching remote prefix first; or by the interface
/// that the kernel's routing table has led it into, where that is one tunnel's alone.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace cloister::vpn {

struct Prefix {
  std::array<std::byte, 16> address{};  // IPv4 in the first four bytes
  bool v6 = false;
  std::uint8_t length = 0;
};

/// Filled once, then read by any number of threads. A look-up takes a probe for each prefix length that is in use,
/// however many tunnels there are.
class SelectorTable {
 public:
  /// Tunnels have small numbers, each its own.
  void add(std::size_t tunnel, std::vector<Prefix> local, std::vector<Prefix> remote);
  /// A tunnel that is never found by addresses. `within`: the networks between which is routed; what is link-local, and
  /// groups on the link, as routing daemons speak to (RFC 5771, section 4; RFC 4291, section 2.7), passes too.
  void add_routed(std::size_t tunnel, std::vector<Prefix> local, std::vector<Prefix> within);
  /// Addresses of this box in a routed tunnel's interface. Nobody speaks as it out of one.
  void add_own(const Prefix& address);
  /// What carries tunnels, or a classical channel, between this box and another: two hosts outside. It is not routed
  /// into a tunnel, and out of a routed one nothing is for this box's end, or from it.
  void add_carrier(const Prefix& own, const Prefix& peer);

  /// The tunnel of a packet from the red network: its destination is remote there, its source local. Nothing for
  /// others, and for what is no IP packet.
  [[nodiscard]] std::optional<std::size_t> outbound(std::span<const std::byte> packet) const;
  /// Whether a packet that was routed into the tunnel may go: source and destination are within what is routed, and the
  /// destination is not another tunnel's by its subnets, whatever a peer has announced.
  [[nodiscard]] bool routed_allowed(std::size_t tunnel, std::span<const std::byte> packet) const;
  /// Whether a packet that came out of the tunnel may go on: its source is remote there, its destination local. Of a
  /// routed tunnel: both are within what is routed, and the source is neither local nor another tunnel's by its
  /// subnets, so that nobody speaks as a host behind this box, or behind a peer of its own tunnel.
  [[nodiscard]] bool inbound_allowed(std::size_t tunnel, std::span<const std::byte> packet) const;

 private:
  struct Tunnel {
    std::vector<Prefix> local = {};
    std::vector<Prefix> remote = {};
    std::vector<Prefix> within = {};  // of a routed one
    bool routed = false;
  };
  struct Key {
    std::array<std::uint64_t, 2> address{};
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  /// The remote prefixes of one length, and the tunnels that have them.
  struct Length {
    std::uint8_t bits;
    std::unordered_map<Key, std::vector<std::size_t>, Hash> tunnels;
  };

  using Hosts = std::array<std::unordered_set<Key, Hash>, 2>;  // of IPv4 and IPv6

  static Key key_of(std::span<const std::byte> address, unsigned bits);
  static void add(Hosts& hosts, const Prefix& host);
  static bool has(const Hosts& hosts, bool v6, std::span<const std::byte> address);
  [[nodiscard]] bool is_remote(bool v6, std::span<const std::byte> address) const;

  std::vector<Tunnel> tunnels_;
  std::array<std::vector<Length>, 2> remote_;  // of IPv4 and IPv6, longest first
  Hosts own_;
  Hosts carriers_own_;
  Hosts carriers_peers_;
};

}  // namespace cloister::vpn
