#pragma once
/// What cloister-netd has made for the service, which may make none of it itself.

#include <string>
#include <vector>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/drivers/udp.hpp"
#include "appliance/handover/channel.hpp"
#include "appliance/handover/messages.hpp"
#include "crypto/error.hpp"

namespace cloister::drivers {

/// Until cloister-netd is told, nothing that an earlier configuration has named is taken away.
struct Network {
  handover::Channel conversation;
  std::vector<UdpSocket> sockets;  // of the request's endpoints, in its order

  /// Whether all of it is in use now, or none of it. A cloister-netd that cannot hear it takes nothing away.
  void tell(handover::Verdict verdict) const {
    [[maybe_unused]] const auto sent = conversation.send(handover::encode(verdict));
  }
};

/// Lays guards, interfaces and routes as the configuration says that cloister-netd reads, and opens the request's sockets.
/// `path` is its socket.
[[nodiscard]] Result<Network> ask_for_network(const std::string& path, const handover::Request& request);

}  // namespace cloister::drivers
