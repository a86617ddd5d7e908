#pragma once
/// Which tunnel a packet belongs to: by its addresses, the longest matching remote prefix first.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace cloister::vpn {

struct Prefix {
  std::array<std::byte, 16> address{};  // IPv4 in the first four bytes
  bool v6 = false;
  std::uint8_t length = 0;
};

class SelectorTable {
 public:
  /// Tunnels are added in the order of their indices: 0, 1, 2 …
  void add(std::size_t tunnel, std::vector<Prefix> local, std::vector<Prefix> remote);

  /// The tunnel of a packet from the red network: its destination is remote there, its source local. Nothing for
  /// others, and for what is no IP packet.
  [[nodiscard]] std::optional<std::size_t> outbound(std::span<const std::byte> packet) const;
  /// Whether a packet that came out of the tunnel may go on: its source is remote there, its destination local.
  [[nodiscard]] bool inbound_allowed(std::size_t tunnel, std::span<const std::byte> packet) const;

 private:
  struct Tunnel {
    std::vector<Prefix> local;
    std::vector<Prefix> remote;
  };
  std::vector<Tunnel> tunnels_;
};

}  // namespace cloister::vpn
