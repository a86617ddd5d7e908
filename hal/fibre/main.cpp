/// cloister-fibre: the dark fibre between two simulated boxes, with its losses, its noise and its eavesdropper.

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <format>
#include <string>

#include "crypto/random.hpp"
#include "crypto/secret.hpp"
#include "hal/fibre/described_link.hpp"
#include "hal/fibre/panel_client.hpp"
#include "hal/fibre/server.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

using namespace cloister;

/// Queues towards a receiver that is late, and buffers; nothing here grows with time.
constexpr std::size_t arena_bytes = std::size_t{32} << 20;

/// A hundredth of the gates: half a hundredth of the key, for a window of the watch in a few 1e5 clicks.
constexpr double dimmed_gates = 0.01;

struct Arguments {
  hal::fibre::ServerOptions server;
  double dead_time_ns = 0;
  double after_pulse_lifetime_ns = 1000;
  double gate_ps = 0;
  double gates_apart_ps = 0;
  double jitter_ps = 0;
  std::optional<std::uint64_t> seed;
  double fraction = 1;
  double mean_photons = 0;
  bool blocks_singles = false;
  std::string basis = "random";
  bool pulsed = false;
  bool two_energies = false;
  double arrival_ps = 0;
  double blinded_ua = 500;
  double shift_ps = 300;
  double gain = 3;
  double photons = 1;
  double noise = 0;
  double part = 0;
  unsigned shift = 0;
  std::string request;  // for ctl
};

int complain(const Error& error, int status = 1) {
  std::fputs(std::format("cloister-fibre: {}\n", error.message).c_str(), stderr);
  return status;
}

std::uint64_t fresh_seed() {
  std::uint64_t seed = 0;
  crypto::SystemRandom{}.fill(std::as_writable_bytes(std::span{&seed, 1}));
  return seed;
}

/// Seconds since 1970: a restarted fibre begins after every epoch of its last life, unless it began one a second.
hal::Epoch epoch_of_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<hal::Epoch>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

/// Fibre and receiver of a link's file; the light is the boxes' own.
void set_link(Arguments& arguments, const std::string& name_or_path) {
  const auto model = config::find_link_model(name_or_path);
  if (!model)
    throw CLI::ValidationError{
        "--link", config::to_string(model.error().front()) + "; 'cloisterctl link presets' lists what is built in"};
  const double dimmed = arguments.server.link.dimmed_gates;
  arguments.server.link = hal::fibre::parameters_of(*model);
  arguments.server.link.dimmed_gates = dimmed;
  arguments.dead_time_ns = model->receiver.dead_time_ns;
  arguments.after_pulse_lifetime_ns = model->receiver.after_pulse_lifetime_ns;
}

int serve(Arguments arguments) {
  sigset_t stop_signals;
  ::sigemptyset(&stop_signals);
  ::sigaddset(&stop_signals, SIGTERM);
  ::sigaddset(&stop_signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &stop_signals, nullptr);
  const hal::simulator::FileDescriptor stop{::signalfd(-1, &stop_signals, SFD_CLOEXEC | SFD_NONBLOCK)};

  crypto::arena_initialise(arena_bytes);
  auto& gate = arguments.server.link.gate;
  gate = {.width_seconds = arguments.gate_ps * 1e-12,
          .apart_seconds = arguments.gates_apart_ps * 1e-12,
          .jitter_seconds = arguments.jitter_ps * 1e-12};
  arguments.server.link.dead_time_seconds = arguments.dead_time_ns * 1e-9;
  arguments.server.link.after_pulse_lifetime_seconds = arguments.after_pulse_lifetime_ns * 1e-9;
  arguments.server.dice_seed = arguments.seed ? *arguments.seed : fresh_seed();
  arguments.server.first_epoch = epoch_of_now();
  auto server = hal::fibre::Server::open(arguments.server);
  if (!server) return complain(server.error());
  const auto served = server->run(stop.get());
  return served ? 0 : complain(served.error());
}

int control(const Arguments& arguments) {
  const auto answer = hal::fibre::ask(arguments.server.control_path, arguments.request);
  if (!answer) return complain(answer.error());
  std::puts(answer->c_str());
  return answer->starts_with("{\"error\"") ? 1 : 0;
}

void describe_fibre(CLI::App& app, Arguments& arguments) {
  auto& link = arguments.server.link;
  app.add_option("--socket", arguments.server.socket_path, "Path of the socket at which both boxes' devices connect");
  app.add_option("--control", arguments.server.control_path, "Path of the control socket, for 'ctl'");
  app.add_option_function<std::string>(
         "--link", [&arguments](const std::string& name_or_path) { set_link(arguments, name_or_path); },
         "A link as 'cloisterctl link' plans it: a preset's name, or a file; other options change it")
      ->trigger_on_parse();
  app.add_option("--length-km", link.length_km, "Length of the fibre")->capture_default_str();
  app.add_option("--attenuation-db-per-km", link.attenuation_db_per_km, "Loss of the fibre")->capture_default_str();
  app.add_option("--insertion-loss-db", link.insertion_loss_db, "Loss of connectors, splices and filters")
      ->capture_default_str();
  app.add_option("--efficiency", link.efficiency, "Efficiency of the receiver")->capture_default_str();
  app.add_option("--efficiency-ratio", link.efficiency_ratio, "Efficiency of the detectors of bit 1 to those of bit 0")
      ->capture_default_str();
  app.add_option("--dark-count-probability", link.dark_count_probability, "Dark counts per detector and slot")
      ->capture_default_str();
  app.add_option("--misalignment", link.misalignment, "Part of the light that reaches the wrong detector")
      ->capture_default_str();
  app.add_option("--dead-time-ns", arguments.dead_time_ns, "Receiver's dead time after a click")->capture_default_str();
  app.add_option("--after-pulse-probability", link.after_pulse_probability,
                 "That a click is followed by an after-pulse")
      ->capture_default_str();
  app.add_option("--after-pulse-lifetime-ns", arguments.after_pulse_lifetime_ns, "Mean delay of an after-pulse")
      ->capture_default_str();
  app.add_option("--gate-ps", arguments.gate_ps, "Width of the detectors' gates, a standard deviation; 0: none")
      ->capture_default_str();
  app.add_option("--gates-apart-ps", arguments.gates_apart_ps, "By which the gate of bit 1 is later than that of bit 0")
      ->capture_default_str();
  app.add_option("--jitter-ps", arguments.jitter_ps, "Jitter of the times of arrival, a standard deviation")
      ->capture_default_str();
  app.add_option("--dimmed-gates", link.dimmed_gates,
                 "Part of the gates that the receiver dims, to see whether its clicks are light")
      ->capture_default_str();
  app.add_option("--extinction-db", link.extinction_db, "Of the intensity modulator; 0: as dark as is asked for")
      ->capture_default_str();
  app.add_option("--pattern-effect", link.pattern_effect, "What a pulse keeps of the intensity before it")
      ->capture_default_str();
  app.add_option("--drift-radians", link.drift_radians, "Standard deviation of the polarisation's angle")
      ->capture_default_str();
  app.add_option("--drift-time-s", link.drift_time_seconds, "In which the polarisation forgets where it was")
      ->capture_default_str();
  app.add_option("--isolation-db", link.isolation_db, "Of the transmitter, for light that goes in and comes back")
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "Seed of the physics, to repeat a run; without it each run differs");
}

void describe_eve(CLI::App& eve, Arguments& arguments) {
  auto* resend = eve.add_subcommand("intercept-resend", "Measure pulses and send them anew");
  auto* split = eve.add_subcommand("photon-number-splitting", "Keep a photon of every pulse that has two");
  auto* blind = eve.add_subcommand("blinding", "Blind the detectors with bright light and make them click");
  auto* bright = eve.add_subcommand("multi-click", "Measure pulses and send bright ones, which click often");
  auto* shift = eve.add_subcommand("time-shift", "Send pulses early or late, to one detector's favour");
  auto* beam = eve.add_subcommand("beam-splitting", "Keep the light that the fibre would lose");
  auto* seed = eve.add_subcommand("laser-seeding", "Make the transmitter's pulses brighter, and split them");
  auto* trojan = eve.add_subcommand("trojan-horse", "Shine into the transmitter and read what comes back");
  for (auto* attack : {resend, split, blind, bright, shift, beam, seed, trojan})
    attack->add_option("--fraction", arguments.fraction, "Part of the pulses")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
  resend->add_option("--basis", arguments.basis, "Eve's basis")
      ->check(CLI::IsMember({"random", "z"}))
      ->capture_default_str();
  resend
      ->add_option("--mean-photons", arguments.mean_photons,
                   "Of her pulses, at the receiver; 0: as many as keep the rate")
      ->capture_default_str();
  split->add_flag("--block-singles", arguments.blocks_singles, "Let no single photon pass, at the price of the rate");
  resend->callback([&] {
    arguments.request =
        std::format(R"({{"command":"eve","attack":"intercept-resend","fraction":{},"basis":"{}","mean_photons":{}}})",
                    arguments.fraction, arguments.basis, arguments.mean_photons);
  });
  split->callback([&] {
    arguments.request =
        std::format(R"({{"command":"eve","attack":"photon-number-splitting","fraction":{},"keeps_rate":{}}})",
                    arguments.fraction, !arguments.blocks_singles);
  });
  blind->add_flag("--pulsed", arguments.pulsed, "Bright pulses alone, without light all the time");
  blind->add_flag("--two-energies", arguments.two_energies, "Half of the pulses too weak for a dimmed gate");
  blind->add_option("--arrival-ps", arguments.arrival_ps, "When the pulses come, behind the middle of the gates")
      ->capture_default_str();
  blind->add_option("--blinded-ua", arguments.blinded_ua, "Current of light all the time, in microamperes")
      ->capture_default_str();
  blind->callback([&] {
    arguments.request = std::format(
        R"({{"command":"eve","attack":"blinding","fraction":{},"pulsed":{},"two_energies":{},"arrival_ps":{},"blinded_ua":{}}})",
        arguments.fraction, arguments.pulsed, arguments.two_energies, arguments.arrival_ps, arguments.blinded_ua);
  });
  bright->callback([&] {
    arguments.request = std::format(
        R"({{"command":"eve","attack":"intercept-resend","fraction":{},"mean_photons":100}})", arguments.fraction);
  });
  shift->add_option("--shift-ps", arguments.shift_ps, "To either side, at random")->capture_default_str();
  shift->callback([&] {
    arguments.request = std::format(R"({{"command":"eve","attack":"time-shift","fraction":{},"shift_ps":{}}})",
                                    arguments.fraction, arguments.shift_ps);
  });
  beam->callback([&] {
    arguments.request =
        std::format(R"({{"command":"eve","attack":"beam-splitting","fraction":{}}})", arguments.fraction);
  });
  seed->add_option("--gain", arguments.gain, "By which the pulses are brighter")->capture_default_str();
  seed->callback([&] {
    arguments.request = std::format(R"({{"command":"eve","attack":"laser-seeding","fraction":{},"gain":{}}})",
                                    arguments.fraction, arguments.gain);
  });
  trojan->add_option("--photons", arguments.photons, "Mean number that comes back of a pulse")->capture_default_str();
  trojan->callback([&] {
    arguments.request = std::format(R"({{"command":"eve","attack":"trojan-horse","fraction":{},"photons":{}}})",
                                    arguments.fraction, arguments.photons);
  });
  eve.add_subcommand("none", "Remove the eavesdropper")->callback([&] {
    arguments.request = R"({"command":"eve","attack":"none"})";
  });
}

void describe_control(CLI::App& app, Arguments& arguments) {
  auto* ctl = app.add_subcommand("ctl", "Ask or disturb a running fibre")->require_subcommand(1);
  ctl->add_option("--control", arguments.server.control_path, "Path of the running fibre's control socket")->required();
  ctl->add_subcommand("status", "Show the link, its ends and its counts")->callback([&] {
    arguments.request = R"({"command":"status"})";
  });
  describe_eve(*ctl->add_subcommand("eve", "Place or remove the eavesdropper")->require_subcommand(1), arguments);
  struct Switch {
    const char* name;
    const char* help;
  };
  for (const auto& [name, help] : std::to_array<Switch>({{"cut", "Cut or mend the fibre"},
                                                         {"replay", "Let the receiver repeat old clicks"},
                                                         {"silence", "Let the devices' meters say nothing"}})) {
    auto* command = ctl->add_subcommand(name, help);
    command->require_subcommand(1);
    for (const auto* word : {"on", "off"}) {
      command->add_subcommand(word)->callback([&arguments, name, word] {
        arguments.request =
            std::format(R"({{"command":"{}","on":{}}})", name, std::string{word} == "on" ? "true" : "false");
      });
    }
  }
  auto* noise = ctl->add_subcommand("noise", "Stray light into the receiver");
  noise->add_option("per-slot", arguments.noise, "Counts per detector and slot; 0: none")->required();
  noise->callback([&] { arguments.request = std::format(R"({{"command":"noise","per_slot":{}}})", arguments.noise); });
  auto* randomness = ctl->add_subcommand("randomness", "Let the transmitter's randomness fail");
  randomness->add_option("part", arguments.part, "Of its bits, which are 0 whatever was drawn; 0: none")->required();
  randomness->callback(
      [&] { arguments.request = std::format(R"({{"command":"randomness","part":{}}})", arguments.part); });
  auto* sync = ctl->add_subcommand("sync", "Delay the pulses of the receiver's clock");
  sync->add_option("shift", arguments.shift, "Slots; 0: right again")->required();
  sync->callback([&] { arguments.request = std::format(R"({{"command":"sync","shift":{}}})", arguments.shift); });
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  arguments.server.link.dimmed_gates = dimmed_gates;
  CLI::App app{"The simulated dark fibre between two boxes: joins their simulated devices, in a process of its own",
               "cloister-fibre"};
  app.set_version_flag("--version", "cloister-fibre " CLOISTER_VERSION);
  describe_fibre(app, arguments);
  describe_control(app, arguments);
  const manual::Program program{
      .description = {"It stands in for glass, detectors and an eavesdropper: two boxes whose devices "
                      "have 'driver: simulator' connect to its socket, send light and see clicks. It "
                      "runs until a signal stops it; 'ctl' asks or disturbs one that runs.",
                      "What 'ctl' prints is a JSON object."},
      .exit_status = {{"0", "it was stopped by a signal, or 'ctl' did it"},
                      {"1", "it failed, and the reason is on standard error"},
                      {"2", "the command line is wrong"}},
      .see_also = {"cloisterctl(1)", "cloisterd(8)"}};
  manual::offer(app, program);
  try {
    app.parse(count, values);
  } catch (const CLI::ParseError& error) {
    return manual::not_understood(app, error);
  }
  if (!arguments.request.empty()) return control(arguments);
  if (arguments.server.socket_path.empty() || arguments.server.control_path.empty())
    return complain({"--socket and --control are needed: the paths of the two sockets; see --help"}, 2);
  return serve(std::move(arguments));
}
