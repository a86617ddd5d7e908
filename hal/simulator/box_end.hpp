#pragma once
/// What both ends of a fibre do alike: connect, say hello, follow the epochs, and say why it ended.

#include <cstdint>
#include <optional>
#include <string>

#include "crypto/error.hpp"
#include "hal/device.hpp"
#include "hal/simulator/connection.hpp"
#include "hal/simulator/protocol.hpp"
#include "hal/simulator/simulator.hpp"

namespace cloister::hal::simulator {

class BoxEnd {
 public:
  [[nodiscard]] static Result<BoxEnd> open(const SimulatorConfig& config, Role role);

  /// `light` follows at once; it is kept for a device, on which the greeting is said until it is answered.
  void say_hello(crypto::SecretVector<std::byte> light = {});
  /// Takes what has arrived; an error when the fibre has gone.
  [[nodiscard]] Result<> read();
  /// The next message that is for this role (progress, detections, readings, or that its light weakens); start, stopped and refused are followed here.
  [[nodiscard]] Result<std::optional<Message>> next();
  /// A failure that names this fibre.
  [[nodiscard]] std::unexpected<Error> broken(const std::string& what) const;

  /// Readable when there is something to do.
  [[nodiscard]] int descriptor() const { return wait_.get(); }
  [[nodiscard]] const SourceSettings& settings() const { return settings_; }
  [[nodiscard]] Capabilities capabilities() const;
  [[nodiscard]] const std::optional<Epoch>& epoch() const { return epoch_; }
  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] const std::string& state() const { return state_; }
  /// Slots of the current epoch that have been sent or watched; goes back to 0 with a new epoch.
  [[nodiscard]] std::uint64_t slots() const { return slots_; }
  void advance_to(std::uint64_t slots) { slots_ = slots; }

 private:
  BoxEnd(Connection connection, const SimulatorConfig& config, Role role, const SourceSettings& settings);
  /// On a device: until the answer to our greeting there is nothing but what others left in it.
  [[nodiscard]] bool is_answered();

  Connection connection_;
  FileDescriptor wait_;   // an epoll instance over the two
  FileDescriptor timer_;  // only on a device, until it has answered
  Nonce nonce_{};
  crypto::SecretVector<std::byte> greeting_;
  std::string path_;
  Role role_;
  SourceSettings settings_;
  std::optional<Epoch> epoch_;
  bool running_ = false;
  std::uint64_t slots_ = 0;
  std::string state_ = "waiting for the fibre";
};

}  // namespace cloister::hal::simulator
