#pragma once
/// The SAs of one-time pads in use: looked up by the workers of the data plane, changed by the control thread. Under a lock
/// that is held for a look-up only: nobody's packet but theirs asks for it, and what is made up.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "appliance/vpn/pad_packet.hpp"

namespace cloister::vpn {

class PadTable {
 public:
  struct Inbound {
    std::size_t tunnel = 0;
    std::shared_ptr<InboundPadSa> sa;  // none: there is no such SA
  };

  void install_inbound(std::size_t tunnel, std::shared_ptr<InboundPadSa> sa);
  void install_outbound(std::size_t tunnel, std::shared_ptr<OutboundPadSa> sa);
  void retire_inbound(Spi spi);
  void retire_outbound(std::size_t tunnel);

  [[nodiscard]] Inbound inbound(Spi spi) const;
  /// The tunnel's sending SA or nullptr.
  [[nodiscard]] std::shared_ptr<OutboundPadSa> outbound(std::size_t tunnel) const;

 private:
  mutable std::mutex mutex_;
  std::map<Spi, Inbound> inbound_;                                  // guarded by mutex_
  std::map<std::size_t, std::shared_ptr<OutboundPadSa>> outbound_;  // guarded by mutex_
};

}  // namespace cloister::vpn
