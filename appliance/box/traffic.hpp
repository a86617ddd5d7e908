#pragma once
/// The packets' part of a configuration: which tunnel has which number in the data plane, and by which interface and
/// socket its packets come and go. cloister-netd makes both; what is there already is used on.

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "appliance/drivers/data_plane.hpp"
#include "appliance/drivers/network.hpp"
#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

class Traffic {
 public:
  using Numbers = std::map<std::string, std::size_t>;  // by the tunnels' names

  /// How it is now.
  struct Standing {
    std::shared_ptr<const drivers::Layout> layout;
    Numbers numbers;
  };
  /// A configuration's network, ready to be used and not used yet.
  struct Prepared {
    drivers::Network network;
    drivers::Layout layout;
    Numbers numbers;
  };

  [[nodiscard]] Standing standing() const { return {plane_.layout(), numbers_}; }
  /// By any thread; what stands must still stand when it is applied. Waits for cloister-netd.
  [[nodiscard]] static Result<Prepared> prepare(const config::Configuration& configuration, const Standing& standing);
  /// From now on packets go as prepared. Tunnels that go have no SAs any more.
  void apply(Prepared prepared);
  /// Nothing passes any more.
  void stop() { plane_.apply({}); }

  [[nodiscard]] drivers::DataPlane& plane() { return plane_; }
  [[nodiscard]] const drivers::DataPlane& plane() const { return plane_; }

 private:
  drivers::DataPlane plane_{drivers::data_plane_queues()};
  Numbers numbers_;
};

}  // namespace cloister::box
