#include "appliance/box/reload.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

#include "appliance/box/credentials.hpp"

namespace cloister::box {
namespace {

Error of_link(const std::string& link, const Error& error) {
  return {std::format("link '{}': {}", link, error.message)};
}

Result<NewLink> make_link(crypto::Tpm& tpm, const OwnIdentity& identity, const config::Configuration& configuration,
                          const config::Link& link, const Traffic::Numbers& numbers) {
  auto credentials = unseal_credentials(tpm, identity, link);
  if (!credentials) return std::unexpected{credentials.error()};
  auto tunnels = tunnels_of(configuration, link, numbers);
  if (!tunnels) return std::unexpected{tunnels.error()};
  auto device = device_of(link);
  if (!device) return std::unexpected{device.error()};
  return NewLink{.settings = settings_of(configuration, link, std::move(*tunnels)),
                 .credentials = std::move(*credentials),
                 .device = std::move(*device)};
}

/// What is left to prepare once the network is there.
Result<> complete(PreparedReload& reload) {
  const auto& configuration = reload.next.configuration;
  const auto& numbers = reload.traffic.numbers;
  auto opened = make_links(configuration, reload.changes.opened, numbers);
  if (!opened) return std::unexpected{opened.error()};
  reload.opened = std::move(*opened);
  for (const auto& link : configuration.links) {
    if (!reload.changes.with_other_tunnels.contains(link.name)) continue;
    auto tunnels = tunnels_of(configuration, link, numbers);
    if (!tunnels) return std::unexpected{of_link(link.name, tunnels.error())};
    reload.with_other_tunnels.emplace(link.name, std::move(*tunnels));
  }
  // cloister-netd has read the file too, for itself.
  const auto again = read_configuration(reload.next.file);
  if (!again || !(again->configuration == configuration))
    return fail(std::format("'{}' was changed while it was read: nothing was changed, reload again", reload.next.file));
  return {};
}

}  // namespace

Result<std::map<std::string, NewLink>> make_links(const config::Configuration& configuration,
                                                  const std::set<std::string>& names, const Traffic::Numbers& numbers) {
  std::map<std::string, NewLink> made;
  if (names.empty()) return made;
  // Closed again before the links' vaults are opened: a TPM without a resource manager serves one at a time.
  auto tpm = crypto::Tpm::open(configuration.tpm.tcti);
  if (!tpm) return std::unexpected{tpm.error()};
  const auto identity = open_identity(*tpm, configuration.box);
  if (!identity) return fail(std::format("box '{}': {}", configuration.box.name, identity.error().message));
  for (const auto& link : configuration.links) {
    if (!names.contains(link.name)) continue;
    auto parts = make_link(*tpm, *identity, configuration, link, numbers);
    if (!parts) return std::unexpected{of_link(link.name, parts.error())};
    made.emplace(link.name, std::move(*parts));
  }
  if (const auto tested = tpm->self_test(); !tested) return std::unexpected{tested.error()};
  return made;
}

Result<PreparedReload> prepare_reload(const PresentBox& present) {
  auto next = read_configuration(present.configured.file);
  if (!next) return std::unexpected{next.error()};
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
