#pragma once
/// A fibre and both its ends over real sockets:   transmitter ── server (a thread) ── receiver      both driven by the
/// test's thread

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "crypto/random.hpp"
#include "hal/fibre/panel_client.hpp"
#include "hal/fibre/server.hpp"
#include "hal/simulator/connection.hpp"
#include "hal/simulator/simulator.hpp"

namespace cloister::hal::test {

using namespace std::chrono_literals;
using simulator::SimulatorConfig;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloister-hal-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline constexpr fibre::LinkParameters glass{.length_km = 20,
                                             .attenuation_db_per_km = 0.2,
                                             .efficiency = 0.02,
                                             .dark_count_probability = 0,
                                             .misalignment = 0.02,
                                             .dead_time_seconds = 0,
                                             .dimmed_gates = 0.01};

/// Serves in a thread until it goes.
class RunningFibre {
 public:
  RunningFibre() {
    auto server = fibre::Server::open({.socket_path = folder_.file("fibre"),
                                       .control_path = folder_.file("control"),
                                       .link = glass,
                                       .dice_seed = 11,
                                       .first_epoch = 100});
    REQUIRE(server);
    thread_ = std::jthread{
        [this, running = std::move(*server)]() mutable { served_ = running.run(stop_.get()).has_value(); }};
  }
  ~RunningFibre() { stop(); }
  void stop() {
    const std::uint64_t one = 1;
    if (!thread_.joinable()) return;
    CHECK(::write(stop_.get(), &one, sizeof one) == sizeof one);
    thread_.join();
    CHECK(served_);
  }
  SimulatorConfig config() const {
    return {.socket_path = folder_.file("fibre"),
            .clock_hz = 1e8,
            .z_probability = 0.9,
            .intensities = {0.5, 0.1},
            .probabilities = {0.7, 0.3}};
  }
  Result<std::string> ask(const std::string& request) const { return fibre::ask(folder_.file("control"), request); }

 private:
  TemporaryFolder folder_;
  simulator::FileDescriptor stop_{::eventfd(0, EFD_CLOEXEC)};
  bool served_ = false;
  std::jthread thread_;
};

inline bool wait_readable(int descriptor, std::chrono::milliseconds limit = 5000ms) {
  pollfd wait{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, static_cast<int>(limit.count())) == 1;
}

/// Both boxes in one: waits for frames, and lets the transmitter read what the fibre tells it.
struct Ends {
  crypto::SystemRandom random;
  std::unique_ptr<Transmitter> transmitter;
  std::unique_ptr<Receiver> receiver;

  explicit Ends(const SimulatorConfig& config) : Ends{config, config} {}
  Ends(const SimulatorConfig& of_transmitter, const SimulatorConfig& of_receiver) {
    connect_transmitter(of_transmitter);
    connect_receiver(of_receiver);
  }
  void connect_transmitter(const SimulatorConfig& config) {
    transmitter.reset();
    auto opened = simulator::open_transmitter(config, random);
    REQUIRE(opened);
    transmitter = std::move(*opened);
    REQUIRE(transmitter->start());
  }
  void connect_receiver(const SimulatorConfig& config) {
    receiver.reset();
    auto opened = simulator::open_receiver(config);
    REQUIRE(opened);
    receiver = std::move(*opened);
    REQUIRE(receiver->start());
  }
  DetectionFrame next_frame() {
    for (;;) {
      auto frame = receiver->next_frame();
      INFO((frame ? "" : frame.error().message));
      REQUIRE(frame);
      if (*frame) {
        while (wait_readable(transmitter->descriptor(), 0ms)) REQUIRE(transmitter->on_readable());
        return std::move(**frame);
      }
      REQUIRE(wait_readable(receiver->descriptor()));
      REQUIRE(receiver->on_readable());
    }
  }
  /// Frames of an epoch other than `old`.
  DetectionFrame next_frame_after(Epoch old) {
    for (;;)
      if (auto frame = next_frame(); frame.epoch != old) return frame;
  }
};

/// Until a device says no; the message it says it with.
template <class End>
std::string failure_of(End& end) {
  for (;;) {
    if (!wait_readable(end.descriptor())) return "nothing within 5 seconds";
    if (auto read = end.on_readable(); !read) return read.error().message;
    if constexpr (std::is_base_of_v<Receiver, End>) {
      for (;;) {
        auto frame = end.next_frame();
        if (!frame) return frame.error().message;
        if (!*frame) break;
      }
    }
  }
}

}  // namespace cloister::hal::test
