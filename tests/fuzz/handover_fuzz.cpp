// What cloister-netd reads from cloisterd, and cloisterd from it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "appliance/handover/messages.hpp"
#include "crypto/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister::handover;
  const auto message = std::as_bytes(std::span{data, size});
  if (const auto request = parse_request(message); request && parse_request(encode(*request)) != *request)
    __builtin_trap();
  if (const auto answer = parse_answer(message); answer && parse_answer(encode(*answer)) != *answer) __builtin_trap();
  if (const auto verdict = parse_verdict(message); verdict && parse_verdict(encode(*verdict)) != *verdict)
    __builtin_trap();
  return 0;
}
