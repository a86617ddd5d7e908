/// cloister-hal-check: what a vendor runs on his own library before anybody else does.
///
/// Exit status: 0 nothing is wrong; 1 something is; 2 the command line is wrong.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "crypto/secret.hpp"
#include "hal/plugin/check/conformance.hpp"
#include "hal/plugin/library_file.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

using namespace cloister;
using namespace cloister::hal::plugin;

struct Arguments {
  PluginConfig plugin{.library = {},
                      .sha256 = {},
                      .node = {},
                      .host_socket = {},
                      .host_program = host_beside_this_program(),
                      .source = {.clock_hz = 1e7, .z_probability = 0.7, .intensities = {}, .probabilities = {}}};
  std::string role = "both";
  std::vector<double> mean_photons{0.5, 0.15};
  std::vector<double> shares{0.6, 0.4};
};

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok   ";
    case Verdict::note:
      return "note ";
    case Verdict::wrong:
      return "WRONG";
  }
  return "";
}

/// How many things are wrong; nothing when the library does not have the role.
std::optional<int> report(const char* role, const Findings& findings) {
  if (findings.empty()) {
    std::cout << "note   " << role << ": the library does not have this role\n";
    return std::nullopt;
  }
  int wrong = 0;
  for (const auto& [verdict, text] : findings) {
    std::cout << word(verdict) << "  " << role << ": " << text << std::endl;
    wrong += verdict == Verdict::wrong ? 1 : 0;
  }
  return wrong;
}

int examine(Arguments arguments) {
  std::ranges::copy(arguments.mean_photons, arguments.plugin.source.intensities.begin());
  std::ranges::copy(arguments.shares, arguments.plugin.source.probabilities.begin());
  if (auto possible = hal::simulator::check(arguments.plugin.source);
      !possible || arguments.mean_photons.size() != arguments.shares.size()) {
    std::cerr << "cloister-hal-check: "
              << (possible ? "--mean-photons and --intensity-probability: expected as many of one as of the other"
                           : possible.error().message)
              << '\n';
    return 2;
  }
  const auto sha256 = sha256_of(arguments.plugin.library);
  if (!sha256) {
    std::cerr << "cloister-hal-check: " << sha256.error().message << '\n';
    return 1;
  }
  arguments.plugin.sha256 = *sha256;
  if (auto possible = check(arguments.plugin); !possible) {
    std::cerr << "cloister-hal-check: " << possible.error().message << '\n';
    return 1;
  }
  std::cout << "sha256 " << *sha256 << "  " << arguments.plugin.library << std::endl;
  int wrong = 0;
  int roles = 0;
  const auto add = [&](const char* role, const Findings& findings) {
    const auto found = report(role, findings);
    roles += found ? 1 : 0;
    wrong += found.value_or(0);
  };
  if (arguments.role != "receiver") add("transmitter", examine_transmitter(arguments.plugin, {}));
  if (arguments.role != "transmitter") add("receiver", examine_receiver(arguments.plugin, {}));
  if (roles == 0) std::cout << "WRONG  the library has no role that it was asked for\n";
  std::cout << (wrong == 0 && roles > 0 ? "nothing is wrong\n" : "this library does not conform\n");
  return wrong == 0 && roles > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Drives a device library as cloisterd does and says what is wrong with it.", "cloister-hal-check"};
  app.set_version_flag("--version", "cloister-hal-check " CLOISTER_VERSION);
  app.add_option("library", arguments.plugin.library, "The shared object that exports cloister_hal_entry")->required();
  app.add_option("--node", arguments.plugin.node, "Device node or local socket to hand to it");
  app.add_option("--role", arguments.role, "Which role to examine")
      ->check(CLI::IsMember({"transmitter", "receiver", "both"}))
      ->capture_default_str();
  app.add_option("--clock-hz", arguments.plugin.source.clock_hz, "Slots per second")->capture_default_str();
  app.add_option("--key-basis-probability", arguments.plugin.source.z_probability, "How often it is to choose Z")
      ->capture_default_str();
  app.add_option("--mean-photons", arguments.mean_photons, "Per pulse: of the signal and of one decoy, or two")
      ->expected(2, 3)
      ->capture_default_str();
  app.add_option("--intensity-probability", arguments.shares, "How often each of them is to be sent")
      ->expected(2, 3)
      ->capture_default_str();
  const manual::Program program{
      .section = 8,
      .description = {"It loads a vendor's device library in the same walled process as the service, drives "
                      "it in each role that it has, and prints a line for each thing that it finds: ok, "
                      "note or WRONG. It cannot see physics: whether the light is what the symbols say.",
                      "It prints the library's SHA-256 as well, which the box's configuration pins."},
      .exit_status = {{"0", "nothing is wrong"},
                      {"1", "something is, or the library cannot be examined"},
                      {"2", "the command line is wrong"}},
      .see_also = {"cloister.yaml(5)", "cloister-hal-host(8)", "cloisterd(8)"}};
  manual::offer(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return manual::not_understood(app, error);
  }
  crypto::arena_initialise(std::size_t{64} << 20);
  return examine(std::move(arguments));
}
