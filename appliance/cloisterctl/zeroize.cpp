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

#include "appliance/box/zeroize.hpp"
#include "appliance/cloisterctl/agreed.hpp"
#include "appliance/cloisterctl/audited.hpp"
#include "appliance/cloisterctl/factory_reset.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/control/client.hpp"
#include "config/parse.hpp"

namespace cloister::cloisterctl {
namespace {

/// Of the key that an appliance makes at its first start.
constexpr const char* appliance_public_key = "/var/lib/cloister/identity.pub";

struct ZeroizeOptions {
  std::string configuration = "/etc/cloister/cloister.yaml";
  std::string meant_for;  // path of a fingerprint; empty: none
  bool yes = false;       // do not ask
  bool factory = false;   // /var goes too
  bool json = false;      // for programs

  [[nodiscard]] control::Question order() const {
    return {
        .request = factory ? control::Request::factory_reset : control::Request::zeroize, .name = {}, .subject = {}};
  }
};

using Done = std::expected<void, control::Failure>;

void audit_alarm(const config::Configuration& configuration, const char* code, const std::string& text) {
  audit(configuration,
        {.severity = "alarm", .code = code, .subject = std::format("box '{}'", configuration.box.name), .text = text});
}

/// The service is not there to do it.
Done destroy(const config::Configuration& configuration, const ZeroizeOptions& options) {
  if (options.factory) audit_alarm(configuration, "FACTORY_RESET", box::factory_reset_text(::getuid()));
  const auto failures = box::destroy_sealed(configuration);
  audit_alarm(configuration, "ZEROIZED", box::zeroized_text(::getuid(), false));
  if (failures.empty()) return {};
  const auto text = box::incomplete_text(failures);
  audit_alarm(configuration, "ZEROIZE_INCOMPLETE", text);
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
  if (!options.json && options.factory)
    std::cerr << std::format("destroyed in {:.2f} s; /var goes next, and the box starts anew\n", seconds);
  else if (!options.json)
    std::cerr << std::format(
        "destroyed in {:.2f} s{}; to use the box again, make new credentials ('cloisterctl psk' or 'enroll'), then "
        "restart the service\n",
        seconds, by_service ? ", by the service, which stays closed" : "; the service does not run");
  return 0;
}

/// Somebody means it, and it can be done.
Result<> consent(const ZeroizeOptions& options) {
  if (options.factory) {
    if (auto able = may_reset(); !able) return able;
  }
  if (!options.meant_for.empty()) return meant_for(options.meant_for, appliance_public_key);
  if (options.yes) return {};
  const std::string about =
      "This destroys all secrets of this box at once and for good: keys in memory, PSKs, the identity, the sealed "
      "reserve.\nTunnels are blocked; no copy of the files opens any more.";
  return agreed({.command = "zeroize",
                 .about = options.factory ? about + "\nThen /var goes, with configuration and logs, and the box starts "
                                                    "anew as it came from the factory."
                                          : about,
                 .word = options.factory ? "factory" : "zeroize",
                 .refused = "nothing was destroyed"});
}

/// What says where the secrets are; on an appliance that nobody has set up yet there is none, and it is the default.
std::expected<config::Configuration, config::Diagnostics> what_to_destroy(const ZeroizeOptions& options) {
  std::error_code unseen;
  if (options.factory && !std::filesystem::exists(options.configuration, unseen)) return config::Configuration{};
  return config::load(options.configuration);
}

int destroy_all(const std::string& socket, const ZeroizeOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  const auto seconds = [begun] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  if (!control::service_absent(socket)) {
    const Done done = control::tell(socket, options.order());
    return report(options, done, true, seconds());
  }
  const auto configuration = what_to_destroy(options);
  if (!configuration) {
    for (const auto& diagnostic : configuration.error()) std::cerr << config::to_string(diagnostic) << '\n';
    return failed("the service does not run, and without its configuration (--config) nobody knows what to destroy");
  }
  // It may run and listen elsewhere.
  const auto& configured = configuration->box.control_socket;
  const bool by_service = configured != socket && !control::service_absent(configured);
  const Done done = by_service ? control::tell(configured, options.order()) : destroy(*configuration, options);
  return report(options, done, by_service, seconds());
}

int zeroize_box(const std::string& socket, const ZeroizeOptions& options) {
  if (const auto meant = consent(options); !meant) return failed(meant.error().message);
  if (options.factory) {
    if (const auto asked = ask_for_new_var(); !asked) return failed(asked.error().message);
  }
  const int status = destroy_all(socket, options);
  if (!options.factory) return status;
  // Also where not all was destroyed: what is on /var opens no more after this either.
  const auto begun = reset();
  return begun ? status : failed(begun.error().message);
}

}  // namespace

void offer_zeroize(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ZeroizeOptions>();
  auto* zeroize = app.add_subcommand(
      "zeroize",
      "Destroy all secrets of this box: in memory, in the TPM, on disk; also where the service does not run");
  zeroize->add_flag("--yes", options->yes, "Do not ask: for scripts");
  auto* factory =
      zeroize->add_flag("--factory", options->factory,
                        "On an appliance, as root: then make /var anew, without configuration and logs, and "
                        "restart, as it came from the factory");
  zeroize
      ->add_option("--meant-for", options->meant_for,
                   "Do not ask, but do it only where this file holds the fingerprint of this box's key")
      ->needs(factory);
  zeroize
      ->add_option("--config", options->configuration,
                   "Where the service does not run: its configuration, which names TPM and files")
      ->capture_default_str();
  zeroize->add_flag("--json", options->json, "For programs: what was done, as one JSON object");
  invocation.on(zeroize, [&invocation, options] { return zeroize_box(invocation.socket, *options); });
}

}  // namespace cloister::cloisterctl
