// The parser of the simulated fibre's socket, in both directions: any bytes are messages, a wait for more, or an error; and any readings
// are judged.
#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/simulator/protocol.hpp"
#include "hal/watch/device_watch.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  using namespace cloister::hal::simulator;
  auto device =
      capabilities_of({.clock_hz = 1e9, .z_probability = 0.9, .intensities = {0.5, 0.1}, .probabilities = {0.7, 0.3}});
  device.meters = simulated_meters;
  hal::watch::ReceiverWatch receiver{device};
  hal::watch::TransmitterMeters transmitter{device};
  auto rest = std::as_bytes(std::span{data, size});
  for (;;) {
    const auto parsed = parse_message(rest);
    if (!parsed || !*parsed) return 0;
    const auto& [message, bytes] = **parsed;
    require(bytes >= header_bytes && bytes <= rest.size(), "a message lies inside the buffer");
    if (const auto* detections = std::get_if<Detections>(&message)) {
      const auto frame = unpack(*detections);
      if (frame) require(frame->detections.size() <= frame->slots, "at most one detection per slot");
      if (frame) static_cast<void>(receiver.on_frame(*frame, std::nullopt));
    }
    if (const auto* readings = std::get_if<hal::ReceiverReadings>(&message)) {
      const hal::DetectionFrame frame{
          .epoch = readings->epoch, .first = readings->first, .slots = readings->slots, .detections = {}};
      static_cast<void>(receiver.on_frame(frame, *readings));
    }
    if (const auto* readings = std::get_if<hal::TransmitterReadings>(&message))
      static_cast<void>(transmitter.on_light(1, *readings));
    rest = rest.subspan(bytes);
  }
}
