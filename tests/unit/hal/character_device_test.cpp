// Both ends of a fibre behind character devices that stay open when an end starts anew, as a virtual machine's serial
// ports do:   receiver ── pseudo-terminal ── relay (a thread) ── fibre's socket
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <thread>

#include "tests/unit/hal/running_fibre.hpp"

namespace {

using namespace cloister;
using namespace cloister::hal;
using namespace cloister::hal::test;
using simulator::FileDescriptor;

/// A pseudo-terminal, wired to a fibre's socket until it goes.
class Port {
 public:
  explicit Port(const std::string& socket_path) {
    REQUIRE((master_.get() >= 0 && ::grantpt(master_.get()) == 0 && ::unlockpt(master_.get()) == 0));
    std::array<char, 64> name{};
    REQUIRE(::ptsname_r(master_.get(), name.data(), name.size()) == 0);
    path_ = name.data();
    // Held open, so that the terminal keeps its mode and its line when the device's user goes.
    held_ = FileDescriptor{::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    termios mode{};
    REQUIRE(::tcgetattr(held_.get(), &mode) == 0);
    ::cfmakeraw(&mode);
    REQUIRE(::tcsetattr(held_.get(), TCSANOW, &mode) == 0);
    auto socket = simulator::connect_local(socket_path);
    REQUIRE(socket);
    socket_ = std::move(*socket);
    relay_ = std::jthread{[this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::array<pollfd, 2> waits{{{.fd = master_.get(), .events = POLLIN, .revents = 0},
                                     {.fd = socket_.get(), .events = POLLIN, .revents = 0}}};
        if (::poll(waits.data(), waits.size(), 20) <= 0) continue;
        if (waits[0].revents != 0) carry(master_, socket_);
        if (waits[1].revents != 0) carry(socket_, master_);
      }
    }};
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static void carry(const FileDescriptor& from, const FileDescriptor& to) {
    std::array<std::byte, 4096> bytes{};
    const auto count = ::read(from.get(), bytes.data(), bytes.size());
    auto rest = std::span<const std::byte>{bytes}.first(count > 0 ? static_cast<std::size_t>(count) : 0);
    while (!rest.empty()) {
      const auto written = ::write(to.get(), rest.data(), rest.size());
      if (written > 0) rest = rest.subspan(static_cast<std::size_t>(written));
      pollfd writable{.fd = to.get(), .events = POLLOUT, .revents = 0};
      if (written <= 0 && ::poll(&writable, 1, 1000) != 1) return;  // nobody reads any more: as a full port does
    }
  }

  FileDescriptor master_{::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  FileDescriptor held_;
  FileDescriptor socket_;
  std::string path_;
  std::jthread relay_;
};

SimulatorConfig by(const Port& port, SimulatorConfig config) {
  config.socket_path = port.path();
  return config;
}

}  // namespace

TEST_CASE("ends behind character devices start anew on lines that still carry what was for those before them") {
  const RunningFibre fibre;
  const Port of_transmitter{fibre.config().socket_path};
  const Port of_receiver{fibre.config().socket_path};
  Ends ends{by(of_transmitter, fibre.config()), by(of_receiver, fibre.config())};
  auto epoch = ends.next_frame().epoch;
  for (int turn = 0; turn < 3; ++turn) {
    ends.connect_receiver(by(of_receiver, fibre.config()));
    epoch = ends.next_frame_after(epoch).epoch;
    ends.connect_transmitter(by(of_transmitter, fibre.config()));
    epoch = ends.next_frame_after(epoch).epoch;
  }
}
