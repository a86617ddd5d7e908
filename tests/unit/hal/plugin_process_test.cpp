// Real processes of real libraries: the honest one works, and each rule that is broken costs an error with its reason.

#include <poll.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "hal/plugin/library_file.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

PluginConfig config_of(const std::string& library) {
  PluginConfig config{
      .library = library,
      .sha256 = {},
      .node = {},
      .host_socket = {},
      .host_program = CLOISTER_HAL_HOST,
      .source = {.clock_hz = 1e7, .z_probability = 0.7, .intensities = {0.5, 0.15}, .probabilities = {0.6, 0.4}}};
  const auto sha256 = sha256_of(library);
  REQUIRE(sha256);
  config.sha256 = *sha256;
  return config;
}

PluginConfig breaking(const std::string& behaviour) {
  return config_of(std::string{CLOISTER_DEVICES "/"} + behaviour + ".so");
}

struct Run {
  std::string failure;  // empty: none in the time
  std::uint64_t detections = 0;
  Telemetry last;
};

Run receive_for(const PluginConfig& config, std::chrono::milliseconds limit) {
  auto opened = open_receiver(config);
  if (!opened) return {.failure = opened.error().message, .last = {}};
  auto& receiver = **opened;
  if (auto started = receiver.start(); !started) return {.failure = started.error().message, .last = {}};
  Run run;
  for (const auto start = Clock::now(); Clock::now() - start < limit;) {
    pollfd wait{.fd = receiver.descriptor(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&wait, 1, 5000) == 1);
    if (auto taken = receiver.on_readable(); !taken)
      return {taken.error().message, run.detections, receiver.telemetry()};
    for (;;) {
      auto frame = receiver.next_frame();
      if (!frame) return {frame.error().message, run.detections, receiver.telemetry()};
      if (!*frame) break;
      run.detections += (*frame)->detections.size();
    }
    run.last = receiver.telemetry();
  }
  return run;
}

/// Looks the newest symbols up as a session would.
Run transmit_for(const PluginConfig& config, std::chrono::milliseconds limit) {
  auto opened = open_transmitter(config);
  if (!opened) return {.failure = opened.error().message, .last = {}};
  auto& transmitter = **opened;
  if (auto started = transmitter.start(); !started) return {.failure = started.error().message, .last = {}};
  Run run;
  for (const auto start = Clock::now(); Clock::now() - start < limit;) {
    pollfd wait{.fd = transmitter.descriptor(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&wait, 1, 5000) == 1);
    if (auto taken = transmitter.on_readable(); !taken)
      return {taken.error().message, run.detections, transmitter.telemetry()};
    run.last = transmitter.telemetry();
    if (run.last.slots < 100) continue;
    std::vector<Slot> slots{run.last.slots - 100, run.last.slots - 1};
    std::vector<Symbol> symbols(slots.size());
    if (transmitter.symbols(run.last.epoch, slots, symbols)) run.detections += slots.size();
  }
  return run;
}

bool sandbox_possible() {
  static const auto trial = receive_for(breaking("honest"), 300ms).failure;
  if (trial.contains("cannot make its own")) {
    WARN(trial);
    return false;
  }
  return true;
}

TEST_CASE("An honest library gives its detections", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  for (const std::string name : {"honest", "threads", "constructor-files"}) {
    INFO(name);
    const auto run = receive_for(breaking(name), 1500ms);
    CHECK(run.failure.empty());
    CHECK(run.detections > 2000);
    CHECK(run.last.running);
    CHECK(run.last.state == "running");
    CHECK(run.last.detections == run.detections);
  }
}

PluginConfig with_two_decoys(PluginConfig config) {
  config.source.intensities = {0.5, 0.1, 0.01};
  config.source.probabilities = {0.3, 0.3, 0.4};
  return config;
}

TEST_CASE("A library is asked for two decoys where the link has two, and held to both", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  const auto run = receive_for(with_two_decoys(breaking("honest")), 1s);
  CHECK(run.failure.empty());
  CHECK(run.detections > 1000);
  const auto opened = open_receiver(with_two_decoys(breaking("honest")));
  REQUIRE(opened);
  CHECK((*opened)->capabilities().protocol == "bb84-decoy-2");
  CHECK((*opened)->capabilities().intensities == std::vector{0.5, 0.1, 0.01});
  const auto meters = (*opened)->capabilities().meters;
  CHECK_FALSE(
      (meters.photocurrent || meters.arrivals || meters.dimmed_gates || meters.output_power || meters.returned_light));
  const auto other = receive_for(with_two_decoys(breaking("other-second-decoy")), 5s);
  CHECK(other.failure.contains("mean_photons[2] 0.05, the configuration says 0.01"));
}

TEST_CASE("A library's meters are its capabilities' once it is open, and speak of each frame", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  const auto opened = open_receiver(breaking("meters-blinded"));
  REQUIRE(opened);
  auto& receiver = **opened;
  REQUIRE(receiver.start());
  int frames = 0;
  for (const auto start = Clock::now(); frames < 20 && Clock::now() - start < 5s;) {
    pollfd wait{.fd = receiver.descriptor(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&wait, 1, 5000) == 1);
    REQUIRE(receiver.on_readable());
    for (auto frame = receiver.next_frame(); frame && *frame; frame = receiver.next_frame(), ++frames) {
      const auto readings = receiver.take_readings();
      REQUIRE(readings);
      CHECK((readings->first == (*frame)->first && readings->slots == (*frame)->slots));
      REQUIRE(readings->photocurrent);
      CHECK(readings->photocurrent->amperes.value == 1e-3);
      CHECK_FALSE((readings->arrivals || readings->dimmed_gates || receiver.take_readings()));
    }
  }
  CHECK(frames >= 20);
  const auto meters = receiver.capabilities().meters;
  CHECK((meters.photocurrent && !meters.arrivals && !meters.dimmed_gates && !meters.output_power));
}

TEST_CASE("Where meters are required a library without one of them is refused with its name", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  auto config = breaking("meters-blinded");
  config.needs_meters = true;
  const auto failure = receive_for(config, 5s).failure;
  CHECK(failure.contains("no arrival histogram, no count of dimmed gates"));
  CHECK(failure.contains("device.meters: required"));
  CHECK_FALSE(failure.contains("photocurrent"));
}

TEST_CASE("A library that breaks a rule costs an error that says which", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  struct Case {
    std::string library;
    std::vector<std::string> words;
  };
  const auto [library, words] = GENERATE(values<Case>({
      {"hang", {"hangs", "in receive", "3 s"}},
      {"crash", {"signal 11", "in receive"}},
      {"abort", {"signal 6", "in receive"}},
      {"exit", {"ended with status 0", "in receive"}},
      {"socket", {"forbidden system call", "socket"}},
      {"file", {"forbidden system call", "openat"}},
      {"fork", {"signal 31", "in receive"}},
      {"kill", {"forbidden system call"}},
      {"executable", {"forbidden system call", "executable memory"}},
      {"shorten", {"forbidden system call"}},
      {"scribble", {"device library"}},
      {"constructor-socket", {"forbidden system call", "socket", "loading the library"}},
      {"refuses", {"in open", "the laser is ? locked"}},
      {"fails", {"in receive", "detector 2 is at 300 K"}},
      {"old-abi", {"loading the library", "says ABI 0"}},
      {"other-abi", {"loading the library", "does not speak version 1"}},
      {"no-receive", {"loading the library", "lacks a function"}},
      {"other-clock", {"clock_hz 2e+07", "1e+07"}},
      {"other-intensities", {"3 intensities"}},
      {"no-limit", {"detectors report"}},
      {"fast", {"lies about time"}},
      {"flood", {"floods"}},
      {"epochs", {"epochs within 10 s"}},
      {"back", {"nonsense", "have been reported"}},
      {"no-slots", {"nonsense", "0 slots"}},
      {"lost-shrinks", {"nonsense", "lost detections"}},
      {"count", {"nonsense", "4294967295 detections"}},
      {"descending", {"nonsense", "does not ascend"}},
      {"offset", {"nonsense", "does not ascend inside"}},
      {"basis", {"nonsense", "basis 2"}},
      {"bit", {"nonsense"}},
      {"flags", {"nonsense", "flags 8"}},
      {"reserved", {"nonsense", "reserved 1"}},
      {"meters-unknown", {"has meters 0x8", "there are 0x7"}},
      {"meters-undeclared", {"nonsense", "meters 0x1"}},
      {"meters-clicks", {"nonsense", "more clicks than"}},
  }));
  INFO(library);
  const auto run = receive_for(breaking(library), 20s);
  INFO(run.failure);
  for (const auto& word : words) CHECK(run.failure.contains(word));
  CHECK(run.failure.contains(library + ".so"));
}

TEST_CASE("A transmitter's symbols can be looked up until they are released", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  const auto run = transmit_for(breaking("transmit-honest"), 1500ms);
  CHECK(run.failure.empty());
  CHECK(run.detections > 100);
  CHECK(run.last.slots > 1'000'000);

  auto opened = open_transmitter(breaking("transmit-honest"));
  REQUIRE(opened);
  auto& transmitter = **opened;
  REQUIRE(transmitter.start());
  while (transmitter.telemetry().slots < 1000) REQUIRE(transmitter.on_readable());
  const Epoch epoch = transmitter.telemetry().epoch;
  const std::vector<Slot> slots{500};
  std::vector<Symbol> symbols(1);
  CHECK(transmitter.symbols(epoch, slots, symbols));
  CHECK(!transmitter.symbols(epoch + 1, slots, symbols));
  transmitter.release(epoch, 501);
  CHECK(transmitter.symbols(epoch, slots, symbols).error().message.contains("released"));
}

TEST_CASE("A transmitter that breaks a rule costs an error that says which", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  const auto [library, words] = GENERATE(values<std::pair<std::string, std::string>>({
      {"transmit-no-epoch", "before it began an epoch"},
      {"transmit-hang", "hangs: it has been in transmit"},
      {"transmit-intensity", "gave nonsense: symbols of an intensity"},
      {"transmit-fast", "lies about time"},
      {"transmit-back", "counts back"},
      {"honest", lacks_role},
  }));
  INFO(library);
  const auto run = transmit_for(breaking(library), 20s);
  INFO(run.failure);
  CHECK(run.failure.contains(words));
}

TEST_CASE("A library that takes all memory it can get takes a gibibyte", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  const auto run = receive_for(breaking("memory"), 3s);
  CHECK((run.failure.empty() || run.failure.contains("hangs")));
  CHECK(run.detections > 0);
}

TEST_CASE("A silent library is no alarm, and its words reach people as printable text", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  CHECK(receive_for(breaking("silent"), 4s).failure.empty());
  const auto run = receive_for(breaking("text"), 500ms);
  CHECK(run.failure.empty());
  CHECK(run.last.state == std::string(96, '?'));
}

TEST_CASE("A library that does not close is ended all the same", "[hal][plugin]") {
  if (!sandbox_possible()) SKIP("this machine forbids the sandbox");
  auto opened = open_receiver(breaking("slow-close"));
  REQUIRE(opened);
  REQUIRE((*opened)->start());
  while (!(*opened)->telemetry().running) REQUIRE((*opened)->on_readable());
  const auto start = Clock::now();
  opened->reset();
  CHECK(Clock::now() - start < 10s);
}

TEST_CASE("A library is what its hash says, or is not loaded", "[hal][plugin]") {
  auto config = breaking("honest");
  CHECK(check(config));
  config.sha256[0] = config.sha256[0] == '0' ? '1' : '0';
  const auto opened = open_receiver(config);
  REQUIRE(!opened);
  CHECK(opened.error().message.contains("pins " + config.sha256));
  CHECK(!check(config));
  config.library = "/nonexistent.so";
  CHECK(check(config).error().message.contains("/nonexistent.so"));
}

TEST_CASE("Where the library's process cannot be started, that is said before anything runs", "[hal][plugin]") {
  auto config = breaking("honest");
  config.host_program = "/nonexistent/host";
  CHECK(check(config).error().message.contains("/nonexistent/host"));
  config.host_socket = "/nonexistent/socket";
  CHECK(check(config).error().message.contains("cloister-hal.socket"));
}

TEST_CASE("A node that is a plain file is not handed out", "[hal][plugin]") {
  auto config = breaking("honest");
  config.node = config.library;
  auto opened = open_receiver(config);
  REQUIRE(opened);
  const auto started = (*opened)->start();
  REQUIRE(!started);
  CHECK(started.error().message.contains("neither a character device nor a socket"));
}

}  // namespace
}  // namespace cloister::hal::plugin
