#pragma once
/// What only the whole configuration shows, told at the link or tunnel that is the later one.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

/// Neither any address, nor a group's, nor everybody's.
[[nodiscard]] bool is_one_host(const Endpoint& endpoint);

class CrossChecks {
 public:
  /// `configuration`: holds all links before the first tunnel is looked at.
  explicit CrossChecks(const Configuration& configuration) : configuration_{configuration} {}

  void link(const Link& link, Section& section);
  void tunnel(const Tunnel& tunnel, Section& section);

 private:
  void expect_new(const std::string& what, const std::string& name, Section& section);
  void expect_interface(const Tunnel& tunnel, Section& section);
  void expect_socket(const Tunnel& tunnel, Section& section);
  static void expect_pads(const Link& link, Section& section);
  void expect_link(const Tunnel& tunnel, Section& section) const;
  void expect_subnets(const Tunnel& tunnel, Section& section);
  void expect_room_between(const Tunnel& tunnel, Section& section) const;
  void expect_addresses(const Tunnel& tunnel, Section& section);
  void expect_outside(const Tunnel& tunnel, Section& section) const;
  void expect_rate(const Tunnel& tunnel, Section& section);

  const Configuration& configuration_;
  std::map<std::string, std::string> places_;  // by what and name
  struct Interface {
    unsigned mtu;
    Routing routing;
    std::string tunnel;  // the first one
  };
  std::map<std::string, Interface> interfaces_;
  std::map<std::string, std::pair<bool, std::string>> sockets_;  // by local endpoint: fragment_outer, the first tunnel
  std::map<std::string, std::string> addresses_;                 // of interfaces, and the tunnel that has each
  std::vector<std::pair<Prefix, std::string>> remotes_;
  std::uint64_t constant_packets_per_second_ = 0;  // of the tunnels until now
};

}  // namespace cloister::config
