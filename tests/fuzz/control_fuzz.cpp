/// Lines on the control socket, as the service and as cloisterctl read them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "appliance/control/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line{reinterpret_cast<const char*>(data), size};
  static_cast<void>(cloister::control::decode_request(line));
  if (const auto status = cloister::control::decode_status(line)) {
    const auto again = cloister::control::decode_status(cloister::control::encode_answer(*status));
    if (!again) __builtin_trap();
  }
  return 0;
}
