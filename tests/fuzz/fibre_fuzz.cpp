// The parser of the simulated fibre's socket, in both directions: any bytes are messages, a wait for more, or an error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/simulator/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  using namespace cloister::hal::simulator;
  auto rest = std::as_bytes(std::span{data, size});
  for (;;) {
    const auto parsed = parse_message(rest);
    if (!parsed || !*parsed) return 0;
    const auto& [message, bytes] = **parsed;
    require(bytes >= header_bytes && bytes <= rest.size(), "a message lies inside the buffer");
    if (const auto* detections = std::get_if<Detections>(&message)) {
      const auto frame = unpack(*detections);
      if (frame) require(frame->detections.size() <= frame->slots, "at most one detection per slot");
    }
    rest = rest.subspan(bytes);
  }
}
