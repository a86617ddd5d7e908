#include "hal/simulator/box_end.hpp"

#include <format>
#include <utility>

namespace cloister::hal::simulator {

Result<BoxEnd> BoxEnd::open(const SimulatorConfig& config, Role role) {
  const SourceSettings settings{.clock_hz = config.clock_hz,
                                .z_probability = config.z_probability,
                                .intensities = config.intensities,
                                .probabilities = config.probabilities};
  if (auto possible = check(settings); !possible) return fail("simulated device: " + possible.error().message);
  auto socket = connect_local(config.socket_path);
  if (!socket) return fail(socket.error().message + ": is cloister-fibre running?");
  return BoxEnd{Connection{std::move(*socket), header_bytes + body_bytes_max}, config, role, settings};
}

BoxEnd::BoxEnd(Connection connection, const SimulatorConfig& config, Role role, const SourceSettings& settings)
    : connection_{std::move(connection)}, path_{config.socket_path}, role_{role}, settings_{settings} {}

void BoxEnd::say_hello() {
  connection_.send(encode(Hello{.role = role_, .settings = settings_}));
  state_ = "waiting for the other end of the fibre";
}

std::unexpected<Error> BoxEnd::broken(const std::string& what) const {
  return fail(std::format("fibre '{}': {}", path_, what));
}

Result<> BoxEnd::read() {
  connection_.flush();
  connection_.read();
  if (connection_.closed())
    return fail(std::format("fibre '{}' closed the connection: is cloister-fibre running?", path_));
  return {};
}

Result<std::optional<Message>> BoxEnd::next() {
  for (;;) {
    auto message = connection_.next();
    if (!message) return broken(message.error().message);
    if (!*message) return std::nullopt;
    if (const auto* start = std::get_if<Start>(&**message)) {
      if (epoch_ == start->epoch) return broken("an epoch began twice");
      epoch_ = start->epoch;
      running_ = true;
      slots_ = 0;
      state_ = "running";
      continue;
    }
    if (const auto* stopped = std::get_if<Stopped>(&**message)) {
      running_ = false;
      state_ = stopped->reason;
      continue;
    }
    if (const auto* refused = std::get_if<Refused>(&**message)) return broken(refused->reason);
    const bool for_us = role_ == Role::transmitter ? std::holds_alternative<Progress>(**message)
                                                   : std::holds_alternative<Detections>(**message);
    if (!for_us) return broken("a message that is not for this end");
    return message;
  }
}

Capabilities BoxEnd::capabilities() const { return capabilities_of(settings_); }

}  // namespace cloister::hal::simulator
