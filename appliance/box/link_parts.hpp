#pragma once
/// What a link is made of, as a configuration says it.

#include <memory>
#include <vector>

#include "appliance/box/link_driver.hpp"
#include "appliance/box/traffic.hpp"
#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

/// The link's tunnels, and their numbers in the data plane in the same order.
struct LinkTunnels {
  std::vector<TunnelSettings> settings;
  std::vector<std::size_t> numbers;
};
/// An error: they are more, or have more to say, than two boxes can compare.
[[nodiscard]] Result<LinkTunnels> tunnels_of(const config::Configuration& configuration, const config::Link& link,
                                             const Traffic::Numbers& numbers);

[[nodiscard]] session::BootstrapAgain policy_of(const config::Bootstrap& bootstrap);
[[nodiscard]] session::Policy policy_of(const config::Authentication& authentication);

[[nodiscard]] LinkDriverSettings settings_of(const config::Configuration& configuration, const config::Link& link,
                                             LinkTunnels tunnels);

/// `identity`: the box's, or null. What is wrong with the device before it is opened is said here; what is wrong later, each time it is opened.
[[nodiscard]] Result<KeyMakerFactory> device_of(const config::Link& link,
                                                const std::shared_ptr<const crypto::Identity>& identity);

}  // namespace cloister::box
