#include "appliance/box/changes.hpp"

#include <algorithm>
#include <format>
#include <vector>

namespace cloister::box {
namespace {

std::vector<config::Tunnel> tunnels_of(const config::Configuration& configuration, const std::string& link) {
  std::vector<config::Tunnel> tunnels;
  std::ranges::copy_if(configuration.tunnels, std::back_inserter(tunnels),
                       [&](const config::Tunnel& tunnel) { return tunnel.link == link; });
  return tunnels;
}

const config::Link* find(const config::Configuration& configuration, const std::string& link) {
  const auto found = std::ranges::find(configuration.links, link, &config::Link::name);
  return found == configuration.links.end() ? nullptr : &*found;
}

/// Who lets a link bootstrap is asked when it comes to that: it ends no session.
bool alike_but_for_policy(config::Link one, const config::Link& other) {
  one.bootstrap.again = other.bootstrap.again;
  return one == other;
}

}  // namespace

Result<Changes> changes_between(const config::Configuration& before, const config::Configuration& after) {
  for (const auto& [section, alike] : {std::pair{"box", before.box == after.box}, {"tpm", before.tpm == after.tpm}}) {
    if (!alike)
      return fail(
          std::format("'{}' is not changed while the service runs: nothing was changed; 'systemctl restart "
                      "cloister' takes up all of it ('cloisterctl config diff' shows what differs)",
                      section));
  }
  Changes changes;
  for (const auto& link : before.links) {
    const auto* next = find(after, link.name);
    if (next == nullptr || !alike_but_for_policy(*next, link)) {
      changes.closed.insert(link.name);
    } else if (tunnels_of(before, link.name) != tunnels_of(after, link.name)) {
      changes.with_other_tunnels.insert(link.name);
    }
  }
  for (const auto& link : after.links) {
    if (find(before, link.name) == nullptr || changes.closed.contains(link.name)) changes.opened.insert(link.name);
  }
  return changes;
}

}  // namespace cloister::box
