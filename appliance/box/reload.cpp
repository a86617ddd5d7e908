#include "appliance/box/reload.hpp"

#include <format>
#include <utility>

#include "appliance/box/credentials.hpp"
#include "appliance/box/secret_memory.hpp"
#include "config/parse.hpp"
#include "crypto/secret.hpp"

namespace cloister::box {
namespace {

Error of_link(const std::string& link, const Error& error) {
  return {std::format("link '{}': {}", link, error.message)};
}

Result<NewLink> make_link(const config::Configuration& configuration, const config::Link& link,
                          crypto::Credentials credentials, const std::shared_ptr<const crypto::Identity>& identity,
                          const Traffic::Numbers& numbers) {
  auto tunnels = tunnels_of(configuration, link, numbers);
  if (!tunnels) return std::unexpected{tunnels.error()};
  auto device = device_of(link, identity);
  if (!device) return std::unexpected{device.error()};
  return NewLink{.settings = settings_of(configuration, link, std::move(*tunnels)),
                 .credentials = std::move(credentials),
                 .device = std::move(*device)};
}

/// What is left to prepare once the network is there.
Result<> complete(PreparedReload& reload) {
  const auto& configuration = reload.next.configuration;
  const auto& numbers = reload.traffic.numbers;
  auto credentials = open_credentials(configuration, reload.changes.opened);
  if (!credentials) return std::unexpected{credentials.error()};
  auto opened = make_links(configuration, std::move(*credentials), numbers);
  if (!opened) return std::unexpected{opened.error()};
  reload.opened = std::move(*opened);
  for (const auto& link : configuration.links) {
    if (!reload.changes.with_other_tunnels.contains(link.name)) continue;
    auto tunnels = tunnels_of(configuration, link, numbers);
    if (!tunnels) return std::unexpected{of_link(link.name, tunnels.error())};
    reload.with_other_tunnels.emplace(link.name, std::move(*tunnels));
  }
  // cloister-netd has read the file too, for itself.
  if (const auto again = config::load(reload.next.file); !again || !(*again == configuration))
    return fail(std::format("'{}' was changed while it was read: nothing was changed, reload again", reload.next.file));
  return {};
}

}  // namespace

Result<std::map<std::string, NewLink>> make_links(const config::Configuration& configuration, OpenedSecrets secrets,
                                                  const Traffic::Numbers& numbers) {
  std::map<std::string, NewLink> made;
  for (const auto& link : configuration.links) {
    const auto own = secrets.links.find(link.name);
    if (own == secrets.links.end()) continue;
    auto parts = make_link(configuration, link, std::move(own->second), secrets.identity, numbers);
    if (!parts) return std::unexpected{of_link(link.name, parts.error())};
    made.emplace(link.name, std::move(*parts));
  }
  return made;
}

Result<PreparedReload> prepare_reload(const PresentBox& present) {
  auto next = read_configuration(present.configured.file);
  if (!next) return std::unexpected{next.error()};
  const LockedMemory memory{.arena = crypto::arena_bytes_total(),
                            .arena_locked = crypto::arena_kind() != crypto::ArenaKind::unlocked,
                            .lockable = crypto::lockable_bytes()};
  if (const auto no_room = no_room_for(next->configuration, memory))
    return fail(std::format("'{}' {}", present.configured.file, *no_room));
  auto changes = changes_between(present.configured.configuration, next->configuration);
  if (!changes) return std::unexpected{changes.error()};
  for (const auto& link : next->configuration.links) {
    if (present.missing.contains(link.name)) changes->opened.insert(link.name);
  }
  auto prepared = Traffic::prepare(next->configuration, present.traffic);
  if (!prepared) return std::unexpected{prepared.error()};
  auto differences = config::differences(present.configured.settings, next->settings);
  PreparedReload reload{.next = std::move(*next),
                        .changes = std::move(*changes),
                        .differences = std::move(differences),
                        .opened = {},
                        .with_other_tunnels = {},
                        .traffic = std::move(*prepared)};
  if (auto completed = complete(reload); !completed) {
    reload.traffic.network.tell(handover::Verdict::given_up);
    return std::unexpected{completed.error()};
  }
  return reload;
}

}  // namespace cloister::box
