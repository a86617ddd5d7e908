#include "appliance/cloisterctl/zeroize.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <expected>
#include <filesystem>
#include <format>
#include <iostream>
#include <memory>
#include <string>

#include "appliance/box/audit_log.hpp"
#include "appliance/box/zeroize.hpp"
#include "appliance/cloisterctl/agreed.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/control/client.hpp"
#include "config/parse.hpp"

namespace cloister::cloisterctl {
namespace {

struct ZeroizeOptions {
  std::string configuration = "/etc/cloister/cloister.yaml";
  bool yes = false;   // do not ask
  bool json = false;  // for programs
};

using Done = std::expected<void, control::Failure>;

void audit(const config::Configuration& configuration, const char* code, const std::string& text) {
  const auto& box = configuration.box;
  auto log = box::AuditLog::open(box.state_directory, configuration.logging);
  const control::Event event{
      .severity = "alarm", .code = code, .subject = std::format("box '{}'", box.name), .text = text};
  const auto written =
      log ? log->append(event, std::chrono::system_clock::now()) : Result<>{std::unexpected{log.error()}};
  if (!written) std::cerr << "cloisterctl: not in the audit log: " << written.error().message << '\n';
}

/// The service is not there to do it.
Done destroy(const config::Configuration& configuration) {
  const auto failures = box::destroy_sealed(configuration);
  audit(configuration, "ZEROIZED", box::zeroized_text(::getuid(), false));
  if (failures.empty()) return {};
  const auto text = box::incomplete_text(failures);
  audit(configuration, "ZEROIZE_INCOMPLETE", text);
  return std::unexpected{control::Failure{control::Failure::Kind::failed, "not all is done: " + text}};
}

int report(const ZeroizeOptions& options, const Done& done, bool by_service, double seconds) {
  if (options.json) {
    std::cout << boost::json::serialize(boost::json::value{
                     {"done", done.has_value()},
                     {"by", by_service ? "service" : "cloisterctl"},
                     {"seconds", seconds},
                     {"error", done ? boost::json::value{} : boost::json::value{done.error().message}}})
              << '\n';
  }
  if (!done) return failed(done.error());
  if (!options.json)
    std::cerr << std::format(
        "destroyed in {:.2f} s{}; to use the box again, make new credentials ('cloisterctl psk' or 'enroll'), then "
        "restart the service\n",
        seconds, by_service ? ", by the service, which stays closed" : "; the service does not run");
  return 0;
}

int zeroize_box(const std::string& socket, const ZeroizeOptions& options) {
  if (!options.yes) {
    const auto meant =
        agreed({.command = "zeroize",
                .about = "This destroys all secrets of this box at once and for good: keys in memory, PSKs, "
                         "the identity, the sealed reserve.\nTunnels are blocked; no copy of the files opens "
                         "any more.",
                .word = "zeroize",
                .refused = "nothing was destroyed"});
    if (!meant) return failed(meant.error().message);
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto seconds = [begun] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  if (!control::service_absent(socket)) {
    const Done done = control::tell(socket, {.request = control::Request::zeroize, .name = {}, .subject = {}});
    return report(options, done, true, seconds());
  }
  const auto configuration = config::load(options.configuration);
  if (!configuration) {
    for (const auto& diagnostic : configuration.error()) std::cerr << config::to_string(diagnostic) << '\n';
    return failed("the service does not run, and without its configuration (--config) nobody knows what to destroy");
  }
  // It may run and listen elsewhere.
  const auto& configured = configuration->box.control_socket;
  const bool by_service = configured != socket && !control::service_absent(configured);
  const Done done = by_service
                        ? control::tell(configured, {.request = control::Request::zeroize, .name = {}, .subject = {}})
                        : destroy(*configuration);
  return report(options, done, by_service, seconds());
}

}  // namespace

void offer_zeroize(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ZeroizeOptions>();
  auto* zeroize = app.add_subcommand(
      "zeroize",
      "Destroy all secrets of this box: in memory, in the TPM, on disk; also where the service does not run");
  zeroize->add_flag("--yes", options->yes, "Do not ask: for scripts");
  zeroize
      ->add_option("--config", options->configuration,
                   "Where the service does not run: its configuration, which names TPM and files")
      ->capture_default_str();
  zeroize->add_flag("--json", options->json, "For programs: what was done, as one JSON object");
  invocation.on(zeroize, [&invocation, options] { return zeroize_box(invocation.socket, *options); });
}

}  // namespace cloister::cloisterctl
