#pragma once
/// UDP sockets for ESP, with buffers beyond the system's limit, which only the privileged may set. Where there are several
/// queues, they share one address and port.

#include <vector>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/handover/messages.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

/// As many non-blocking sockets as there are queues.
[[nodiscard]] Result<std::vector<drivers::FileDescriptor>> open_udp(const handover::Endpoint& endpoint,
                                                                    std::size_t queues);

}  // namespace cloister::network
