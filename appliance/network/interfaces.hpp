#pragma once
/// The tunnels' interfaces: persistent TUN devices that their owner opens without any right, and that stay when every
/// process is gone. Those that were made here carry an alias (`ip link` shows it), by which they are found again.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::network {

/// An interface of this machine, of any kind.
struct Interface {
  unsigned index = 0;
  std::string name;
  bool ours = false;           // by its alias
  bool up = false;             // as whoever administers it wants it
  bool tun = false;            // persistent, for several queues
  std::optional<uid_t> owner;  // of a TUN device
};

[[nodiscard]] Result<std::vector<Interface>> interfaces();

/// The interface is there, belongs to the owner, and is up with the MTU. What is right already is left alone, so that
/// its traffic does not notice. Gives its index.
[[nodiscard]] Result<unsigned> keep_interface(const std::string& name, uid_t owner, unsigned mtu,
                                              const std::vector<Interface>& present);
[[nodiscard]] Result<> delete_interface(const Interface& interface);

/// The interface that has the address; empty when none has.
[[nodiscard]] std::string interface_with(const std::string& address);

}  // namespace cloister::network
