#include "appliance/box/box.hpp"

#include <algorithm>
#include <format>

#include "appliance/box/agreement.hpp"
#include "appliance/box/box_status.hpp"
#include "appliance/box/credentials.hpp"
#include "appliance/box/distillation_parameters.hpp"
#include "appliance/box/self_test.hpp"
#include "appliance/box/zeroize.hpp"
#include "appliance/drivers/network.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/simulator/simulator.hpp"

namespace cloister::box {
namespace asio = boost::asio;
namespace {

std::vector<vpn::Prefix> selectors_of(const std::vector<config::Prefix>& prefixes) {
  std::vector<vpn::Prefix> selectors;
  for (const auto& prefix : prefixes) selectors.push_back(config::prefix_as<vpn::Prefix>(prefix));
  return selectors;
}

/// Guards, interfaces, routes and sockets of all tunnels, which cloister-netd makes.
Result<drivers::Network> network_of(const config::Configuration& configuration) {
  handover::Request request{.queues = drivers::data_plane_queues(), .endpoints = {}};
  for (const auto& tunnel : configuration.tunnels) {
    handover::Endpoint endpoint{tunnel.local_endpoint.address, tunnel.local_endpoint.port};
    if (std::ranges::find(request.endpoints, endpoint) == request.endpoints.end())
      request.endpoints.push_back(std::move(endpoint));
  }
  return drivers::ask_for_network(configuration.box.network_socket, request);
}

/// The interfaces and sockets of all tunnels. Tunnels may share either.
class DataPlaneParts {
 public:
  explicit DataPlaneParts(std::vector<drivers::UdpSocket> sockets) : sockets_{std::move(sockets)} {}

  Result<> add(std::size_t index, const config::Tunnel& tunnel) {
    const auto peer = drivers::socket_address(tunnel.peer_endpoint.address, tunnel.peer_endpoint.port);
    if (!peer) return std::unexpected{peer.error()};
    const auto tun = tun_of(tunnel);
    if (!tun) return std::unexpected{tun.error()};
    selectors_.add(index, selectors_of(tunnel.local_subnets), selectors_of(tunnel.remote_subnets));
    paths_.push_back({.tun = *tun, .socket = socket_of(tunnel.local_endpoint), .peer = *peer});
    return {};
  }

  std::unique_ptr<drivers::DataPlane> start() && {
    return std::make_unique<drivers::DataPlane>(std::move(tuns_), std::move(sockets_), paths_, std::move(selectors_),
                                                queues_);
  }

 private:
  [[nodiscard]] std::size_t socket_of(const config::Endpoint& endpoint) const {
    const auto name = handover::Endpoint{endpoint.address, endpoint.port}.to_string();
    const auto found = std::ranges::find(sockets_, name, &drivers::UdpSocket::name);
    return static_cast<std::size_t>(found - sockets_.begin());
  }

  Result<std::size_t> tun_of(const config::Tunnel& tunnel) {
    if (const auto found = std::ranges::find(tuns_, tunnel.interface, &drivers::Tun::interface); found != tuns_.end())
      return static_cast<std::size_t>(found - tuns_.begin());
    auto tun = drivers::open_tun(tunnel.interface, queues_);
    if (!tun) return std::unexpected{tun.error()};
    tuns_.push_back(std::move(*tun));
    return tuns_.size() - 1;
  }

  std::size_t queues_ = drivers::data_plane_queues();
  std::vector<drivers::Tun> tuns_;
  std::vector<drivers::UdpSocket> sockets_;
  std::vector<drivers::TunnelPath> paths_;
  vpn::SelectorTable selectors_;
};

Result<std::unique_ptr<drivers::DataPlane>> open_data_plane(const std::vector<config::Tunnel>& tunnels,
                                                            std::vector<drivers::UdpSocket> sockets) {
  DataPlaneParts parts{std::move(sockets)};
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    if (auto added = parts.add(i, tunnels[i]); !added)
      return fail(std::format("tunnel '{}': {}", tunnels[i].name, added.error().message));
  }
  return std::move(parts).start();
}

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
                     .probabilities = per_intensity(link.distillation.probabilities)}};
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

/// What is wrong with the device before it is opened is said here; what is wrong later, each time it is opened.
Result<DeviceFactory> device_of(const config::Link& link) {
  if (link.device.driver != "plugin") return simulated_device(link);
  return hal::plugin::check(plugin_of(link)).transform([&] { return vendors_device(link); });
}

Result<LinkDriverSettings> settings_of(const config::Configuration& configuration, const config::Link& link) {
  LinkDriverSettings settings;
  std::vector<const config::Tunnel*> tunnels;
  const auto& box = configuration.box.name;
  const bool initiator = session::side_of(box, link.peer) == session::Side::client;
  for (std::size_t path = 0; path < configuration.tunnels.size(); ++path) {
    const auto& tunnel = configuration.tunnels[path];
    if (tunnel.link != link.name) continue;
    tunnels.push_back(&tunnel);
    settings.paths.push_back(path);
    settings.link.tunnels.push_back({.rekey = {.tunnel = tunnel.name,
                                               .local_box = box,
                                               .peer_box = link.peer,
                                               .initiator = initiator,
                                               .hybrid = tunnel.hybrid,
                                               .rekey_interval = tunnel.rekey_interval,
                                               .key_lifetime = tunnel.key_lifetime},
                                     .interface = tunnel.interface,
                                     .stock_keys_max = tunnel.stock});
  }
  auto agreement = agreement_of(box, link, tunnels);
  if (!agreement) return std::unexpected{agreement.error()};
  settings.link.session = {.link = link.name,
                           .local_box = box,
                           .peer_box = link.peer,
                           .agreement = std::move(*agreement),
                           .reserve_bits = link.authentication.reserve_bytes * 8};
  settings.link.distillation = parameters_of(link.distillation);
  settings.link.epsilon_budget = link.distillation.epsilon_budget;
  settings.transmitter = link.device.role == config::DeviceRole::alice;
  settings.local = {link.local_address.address, link.local_address.port};
  settings.peer = {link.peer_address.address, link.peer_address.port};
  if (!link.bootstrap.ca.empty()) settings.read_authority = [from = link.bootstrap] { return read_authority(from); };
  settings.tcti = configuration.tpm.tcti;
  settings.vault = reserve_path(configuration, link);
  settings.account_log = configuration.box.state_directory + "/" + link.name + ".accounts.jsonl";
  settings.alarms = configuration.alarms;
  settings.epsilon_file = configuration.box.state_directory + "/" + link.name + ".epsilon";
  return settings;
}

}  // namespace

Result<std::unique_ptr<Box>> Box::open(asio::io_context& io, const config::Configuration& configuration,
                                       EventLog& log) {
  std::unique_ptr<Box> box{new Box{io, configuration, log}};
  auto audit = AuditLog::open(configuration.box.state_directory, configuration.logging);
  if (!audit) return std::unexpected{audit.error()};
  log.audit_to(std::move(*audit));
  // Before anything else, so that a box that cannot start, for want of a secret, lets nothing out in clear either.
  auto network = network_of(configuration);
  if (!network) return std::unexpected{network.error()};

  std::vector<crypto::Credentials> credentials;
  std::optional tpm{crypto::Tpm::open(configuration.tpm.tcti)};
  if (!*tpm) return std::unexpected{tpm->error()};
  const auto identity = open_identity(**tpm, configuration.box);
  if (!identity) return fail(std::format("box '{}': {}", configuration.box.name, identity.error().message));
  for (const auto& link : configuration.links) {
    auto opened = unseal_credentials(**tpm, *identity, link);
    if (!opened) return fail(std::format("link '{}': {}", link.name, opened.error().message));
    credentials.push_back(std::move(*opened));
  }
  if (const auto tested = (*tpm)->self_test(); !tested) return std::unexpected{tested.error()};
  tpm.reset();  // a TPM without a resource manager serves one at a time, and the links' vaults are next

  auto plane = open_data_plane(configuration.tunnels, std::move(network->sockets));
  if (!plane) return std::unexpected{plane.error()};
  box->plane_ = std::move(*plane);

  for (std::size_t i = 0; i < configuration.links.size(); ++i) {
    const auto& link = configuration.links[i];
    const auto failed = [&](const Error& error) {
      return fail(std::format("link '{}': {}", link.name, error.message));
    };
    auto settings = settings_of(configuration, link);
    if (!settings) return failed(settings.error());
    auto device = device_of(link);
    if (!device) return failed(device.error());
    auto opened =
        LinkDriver::open(io, std::move(*settings), std::move(credentials[i]), std::move(*device), *box->plane_, log);
    if (!opened) return failed(opened.error());
    box->links_.push_back(std::move(*opened));
  }

  auto control = control::Server::open(
      io, configuration.box.control_socket,
      [raw = box.get()](const control::Question& question, unsigned user) { return raw->answer(question, user); },
      [raw = box.get()](control::Request request, control::HeldClient client) {
        raw->on_held(request, std::move(client));
      });
  if (!control) return fail(control.error());
  box->control_ = std::move(*control);
  log.info("STARTED", std::format("box '{}'", box->name_),
           std::format("started: links: {}, tunnels: {}, secret memory: {}", configuration.links.size(),
                       configuration.tunnels.size(), crypto::to_string(crypto::arena_kind())));
  return box;
}

Box::Box(asio::io_context& io, const config::Configuration& configuration, EventLog& log)
    : io_{io}, configuration_{configuration}, name_{configuration.box.name}, log_{log} {}

/// Traffic ends first: the links' threads may be in the middle of a block, and are waited for.
Box::~Box() { plane_.reset(); }

std::string Box::answer(const control::Question& question, unsigned user) {
  if (question.request == control::Request::status) return control::encode_answer(status());
  const auto done = question.request == control::Request::acknowledge
                        ? log_.acknowledge(question.name, question.subject, user)
                        : rekey(question.name, user);
  return done ? control::encode_done() : control::encode_error(done.error().message);
}

Result<> Box::rekey(const std::string& tunnel, unsigned user) {
  for (const auto& link : links_) {
    const auto begun = link->rekey(tunnel);
    if (!begun) continue;
    if (!*begun) return fail(std::format("tunnel '{}': {}", tunnel, begun->error().message));
    log_.info("REKEY_ORDERED", std::format("tunnel '{}'", tunnel),
              std::format("user {} wants a new key before its time", user));
    return {};
  }
  return fail(std::format("there is no tunnel '{}': 'cloisterctl tunnel list' shows what there is", tunnel));
}

/// Whoever runs the context ends the box, which wipes its secrets.
void Box::on_held(control::Request request, control::HeldClient client) {
  if (request == control::Request::selftest) return begin_tests(std::move(client));
  zeroize_.emplace(std::move(client));
  io_.stop();
}

/// On a thread of their own: traffic and rekeys go on.
void Box::begin_tests(control::HeldClient client) {
  if (std::exchange(testing_, true)) return client.answer(control::encode_error("a self-test is under way: try again"));
  tests_ = std::jthread{[this, held = std::move(client)]() mutable {
    auto results = test_all(configuration_);
    asio::post(io_, [this, results = std::move(results), held = std::move(held)] { on_tested(results, held); });
  }};
}

void Box::on_tested(const std::vector<control::TestResult>& results, const control::HeldClient& client) {
  testing_ = false;
  const auto subject = std::format("box '{}'", name_);
  if (const auto failures = failed_tests(results); failures.empty()) {
    log_.info("SELF_TEST_PASSED", subject,
              std::format("{} self-tests passed, for user {}", results.size(), client.user()));
  } else {
    log_.alarm("SELF_TEST_FAILED", subject, self_test_alarm(failures));
    untrusted_ = true;
    io_.stop();
  }
  client.answer(control::encode_tests(results));
}

void Box::on_stop() { log_.info("STOPPED", std::format("box '{}'", name_), "told to stop"); }

control::BoxStatus Box::status() const {
  auto status = status_of(name_, "running", log_);
  for (const auto& link : links_) {
    status.links.push_back(link->status());
    for (auto& tunnel : link->tunnel_status()) status.tunnels.push_back(std::move(tunnel));
  }
  return status;
}

}  // namespace cloister::box
