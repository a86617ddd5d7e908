#pragma once
/// A new configuration for a running box: read, checked and prepared as far as it goes without touching anything, on a
/// thread of its own; then taken up at once.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "appliance/box/changes.hpp"
#include "appliance/box/configured.hpp"
#include "appliance/box/credentials.hpp"
#include "appliance/box/link_parts.hpp"
#include "appliance/box/traffic.hpp"
#include "config/show.hpp"
#include "crypto/credentials.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

/// All that a link needs to be opened.
struct NewLink {
  LinkDriverSettings settings;
  crypto::Credentials credentials;
  KeyMakerFactory device;
};

struct PreparedReload {
  Configured next;
  Changes changes;
  std::vector<config::Difference> differences;  // for people
  std::map<std::string, NewLink> opened;
  std::map<std::string, LinkTunnels> with_other_tunnels;
  Traffic::Prepared traffic;
};

/// The links whose credentials are given; an error says what is wrong with their tunnels or devices.
[[nodiscard]] Result<std::map<std::string, NewLink>> make_links(const config::Configuration& configuration,
                                                                OpenedSecrets secrets, const Traffic::Numbers& numbers);

/// How a box is now.
struct PresentBox {
  Configured configured;
  std::set<std::string> missing;  // links that are configured and could not be opened
  Traffic::Standing traffic;
};
/// By any thread. An error says what is wrong with the new configuration; all goes on by the present one.
[[nodiscard]] Result<PreparedReload> prepare_reload(const PresentBox& present);

}  // namespace cloister::box
