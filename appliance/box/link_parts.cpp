#include "appliance/box/link_parts.hpp"

#include <utility>

#include "appliance/box/agreement.hpp"
#include "appliance/box/collector.hpp"
#include "appliance/box/credentials.hpp"
#include "appliance/box/distillation_parameters.hpp"
#include "appliance/box/distillery.hpp"
#include "appliance/box/tpm_settings.hpp"
#include "appliance/box/vouched.hpp"
#include "appliance/box/zeroize.hpp"
#include "crypto/voucher_files.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/simulator/simulator.hpp"

namespace cloister::box {
namespace {

hal::plugin::PluginConfig plugin_of(const config::Link& link) {
  const auto& plugin = link.device.plugin;
  return {.library = plugin.library,
          .sha256 = plugin.sha256,
          .node = plugin.node,
          .host_socket = plugin.host_socket,
          .host_program = {},
          .source = {.clock_hz = link.device.clock_hz,
                     .z_probability = link.distillation.key_basis_probability,
                     .intensities = per_intensity(link.distillation.intensities),
                     .probabilities = per_intensity(link.distillation.probabilities)},
          .needs_meters = link.device.needs_meters};
}

DeviceFactory simulated_device(const config::Link& link) {
  const hal::simulator::SimulatorConfig device{.socket_path = link.device.socket,
                                               .clock_hz = link.device.clock_hz,
                                               .z_probability = link.distillation.key_basis_probability,
                                               .intensities = per_intensity(link.distillation.intensities),
                                               .probabilities = per_intensity(link.distillation.probabilities)};
  DeviceFactory factory;
  if (link.device.role == config::DeviceRole::alice) {
    factory.transmitter = [device](crypto::Random& random) { return hal::simulator::open_transmitter(device, random); };
  } else {
    factory.receiver = [device] { return hal::simulator::open_receiver(device); };
  }
  return factory;
}

DeviceFactory vendors_device(const config::Link& link) {
  const auto device = plugin_of(link);
  DeviceFactory factory;
  if (link.device.role == config::DeviceRole::alice) {
    factory.transmitter = [device](crypto::Random&) { return hal::plugin::open_transmitter(device); };
  } else {
    factory.receiver = [device] { return hal::plugin::open_receiver(device); };
  }
  return factory;
}

KeySource key_source_of(const config::Link& link, const std::shared_ptr<const crypto::Identity>& identity) {
  const auto& kme = link.device.etsi014;
  return {.kme = {.host = kme.url.host,
                  .address = kme.address.empty() ? kme.url.host : kme.address,
                  .port = kme.url.port,
                  .own_sae = kme.own_sae,
                  .peer_sae = kme.peer_sae,
                  .ca = kme.ca,
                  .certificate = kme.certificate,
                  .key = kme.key,
                  .identity = identity,
                  .key_bits = kme.key_size_bits},
          .alice = link.device.role == config::DeviceRole::alice,
          .keys_of_block = (kme.block_bits + kme.key_size_bits - 1) / kme.key_size_bits};
}

KeyMakerFactory distilled(const config::Link& link, const DeviceFactory& device) {
  return [parameters = parameters_of(link.distillation), quarantine = link.device.quarantine, device](
             boost::asio::io_context& io, KeyMaker::Handlers handlers) -> std::unique_ptr<KeyMaker> {
    return std::make_unique<Distillery>(io, parameters, device, quarantine, std::move(handlers));
  };
}

KeyMakerFactory collected(const KeySource& source) {
  return [source](boost::asio::io_context& io, KeyMaker::Handlers handlers) -> std::unique_ptr<KeyMaker> {
    return std::make_unique<Collector>(io, source, std::move(handlers));
  };
}

}  // namespace

session::BootstrapAgain policy_of(const config::Bootstrap& bootstrap) {
  return bootstrap.again == config::BootstrapAgain::by_operator ? session::BootstrapAgain::by_operator
                                                                : session::BootstrapAgain::automatic;
}

session::Policy policy_of(const config::Authentication& authentication) {
  switch (authentication.policy) {
    case config::AuthenticationPolicy::its_only:
      return session::Policy::its_only;
    case config::AuthenticationPolicy::its_preferred:
      return session::Policy::its_preferred;
    case config::AuthenticationPolicy::computational:
      return session::Policy::computational;
  }
  return {};
}

Result<KeyMakerFactory> device_of(const config::Link& link, const std::shared_ptr<const crypto::Identity>& identity) {
  if (link.device.gives_finished_keys()) {
    const auto source = key_source_of(link, identity);
    return hal::etsi014::check(source.kme).transform([&] { return collected(source); });
  }
  if (link.device.driver != "plugin") return distilled(link, simulated_device(link));
  return hal::plugin::check(plugin_of(link)).transform([&] { return distilled(link, vendors_device(link)); });
}

vpn::WhenKeysRunOut policy_of(config::WhenKeysRunOut policy) {
  switch (policy) {
    case config::WhenKeysRunOut::block:
      return vpn::WhenKeysRunOut::block;
    case config::WhenKeysRunOut::extend:
      return vpn::WhenKeysRunOut::extend;
    case config::WhenKeysRunOut::pqc:
      return vpn::WhenKeysRunOut::exchange;
  }
  return vpn::WhenKeysRunOut::block;
}

Result<LinkTunnels> tunnels_of(const config::Configuration& configuration, const config::Link& link,
                               const Traffic::Numbers& numbers) {
  const auto& box = configuration.box.name;
  LinkTunnels tunnels;
  vpn::RosterList list;
  for (const auto& tunnel : configuration.tunnels) {
    if (tunnel.link != link.name) continue;
    tunnels.numbers.push_back(numbers.at(tunnel.name));
    tunnels.settings.push_back({.rekey = {.tunnel = tunnel.name,
                                          .local_box = box,
                                          .peer_box = link.peer,
                                          .initiator = session::side_of(box, link.peer) == session::Side::client,
                                          .hybrid = tunnel.hybrid,
                                          .rekey_interval = tunnel.rekey_interval,
                                          .key_lifetime = tunnel.key_lifetime,
                                          .when_keys_run_out = policy_of(tunnel.when_keys_run_out),
                                          .extend_for = tunnel.extend_for,
                                          .rekey_after = {tunnel.rekey_packets, tunnel.rekey_bytes}},
                                .interface = tunnel.interface,
                                .stock_keys_max = tunnel.stock,
                                .pad_bytes = tunnel.cipher == config::Cipher::one_time_pad ? tunnel.pad_bytes : 0,
                                .terms = terms_of(box, link.peer, tunnel)});
    list.tunnels.push_back({tunnel.name, tunnels.settings.back().terms});
  }
  if (auto said = vpn::encode(list); !said) return std::unexpected{said.error()};
  return tunnels;
}

LinkDriverSettings settings_of(const config::Configuration& configuration, const config::Link& link,
                               LinkTunnels tunnels) {
  LinkDriverSettings settings;
  settings.link.session = {.link = link.name,
                           .local_box = configuration.box.name,
                           .peer_box = link.peer,
                           .agreement = agreement_of(configuration.box.name, link),
                           .bootstrap_again = policy_of(link.bootstrap),
                           .policy = policy_of(link.authentication),
                           .reserve_bits = link.authentication.reserve_bytes * 8};
  settings.link.tunnels = std::move(tunnels.settings);
  settings.paths = std::move(tunnels.numbers);
  settings.link.distillation = parameters_of(link.distillation);
  settings.link.external_keys = link.device.gives_finished_keys();
  settings.link.epsilon_budget = link.distillation.epsilon_budget;
  settings.transmitter = link.device.role == config::DeviceRole::alice;
  settings.quarantine = link.device.quarantine;
  settings.local = {link.local_address.address, link.local_address.port};
  settings.peer = {link.peer_address.address, link.peer_address.port};
  if (!link.bootstrap.ca.empty()) settings.read_authority = [from = link.bootstrap] { return read_authority(from); };
  if (!link.bootstrap.vouched.by.empty())
    settings.read_vouchers = [link] { return key_vouched_for(link, crypto::today()); };
  settings.tpm = tpm_settings(configuration.tpm);
  settings.vault = reserve_path(configuration, link);
  settings.account_log = configuration.box.state_directory + "/" + link.name + ".accounts.jsonl";
  settings.alarms = configuration.alarms;
  settings.epsilon_file = configuration.box.state_directory + "/" + link.name + ".epsilon";
  return settings;
}

}  // namespace cloister::box
