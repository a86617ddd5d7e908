#pragma once
/// What receiver and transmitter do alike: pin and start the library, look at it every few milliseconds, and say what
/// is wrong with it.

#include <memory>
#include <optional>
#include <string>

#include "crypto/error.hpp"
#include "hal/device.hpp"
#include "hal/plugin/host_process.hpp"
#include "hal/plugin/pace.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/plugin/shared_ring.hpp"
#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::plugin {

class LibraryProcess {
 public:
  /// The ring is made; `start` starts the process.
  [[nodiscard]] static Result<LibraryProcess> prepare(const PluginConfig& config, const Order& order);
  LibraryProcess(LibraryProcess&&) = default;
  LibraryProcess& operator=(LibraryProcess&&) = delete;
  LibraryProcess(const LibraryProcess&) = delete;
  LibraryProcess& operator=(const LibraryProcess&) = delete;
  /// A library that has done nothing wrong is given 200 ms to close its device.
  ~LibraryProcess();

  [[nodiscard]] Result<> start();
  /// Readable every few milliseconds, and when the process has ended.
  [[nodiscard]] int descriptor() const { return wait_.get(); }
  /// To be called when it is: an error when the library has ended, hangs, or is not what was asked for.
  [[nodiscard]] Result<> look(Instant now);
  /// The failure of this library, in the words of `what`; it is then not given time to close.
  [[nodiscard]] std::unexpected<Error> broken(const std::string& what);
  /// Nothing while it runs; the library's newest words are part of it.
  [[nodiscard]] std::optional<std::string> end();
  void ask_to_stop();

  [[nodiscard]] const SharedRing& ring() const { return ring_; }
  [[nodiscard]] Pace& pace() { return pace_; }
  [[nodiscard]] bool opened() const { return opened_; }
  [[nodiscard]] bool running() const { return opened_ && running_; }
  [[nodiscard]] const std::string& state() const { return state_; }
  [[nodiscard]] double detections_per_second_max() const { return detections_per_second_max_; }
  /// Of its meters nothing is known before it is opened.
  [[nodiscard]] Capabilities capabilities() const;
  [[nodiscard]] std::uint32_t meters() const { return meters_; }
  [[nodiscard]] Step step() const;

 private:
  LibraryProcess(const PluginConfig& config, SharedRing ring, simulator::FileDescriptor library);
  [[nodiscard]] Result<> take_capabilities();

  PluginConfig config_;
  SharedRing ring_;
  simulator::FileDescriptor library_;
  simulator::FileDescriptor timer_;
  simulator::FileDescriptor wait_;
  std::optional<HostProcess> process_;
  Pace pace_;
  bool opened_ = false;
  bool running_ = false;
  bool broken_ = false;
  double detections_per_second_max_ = 0;
  std::uint32_t meters_ = 0;
  std::string state_ = "the device's library starts";
};

/// The part of the order that follows from the settings.
[[nodiscard]] Order order_of(const simulator::SourceSettings& source, std::uint32_t role, bool has_node);

}  // namespace cloister::hal::plugin
