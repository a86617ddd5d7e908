#pragma once
/// A TUN interface: whole IP packets to and from the kernel, no packet information header.

#include <string>

#include "appliance/drivers/file_descriptor.hpp"
#include "crypto/error.hpp"

namespace cloister::drivers {

struct Tun {
  FileDescriptor descriptor;  // non-blocking
  std::string interface;
  unsigned index = 0;  // the kernel's number of the interface
};

/// Makes (or takes over) the interface. The interface goes when the descriptor closes.
[[nodiscard]] Result<Tun> open_tun(const std::string& interface);

}  // namespace cloister::drivers
