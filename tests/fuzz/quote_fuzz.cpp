// What a box attests, as a stranger may send it, and a firmware's log: any text is an error, or a quote that is written as it was read;
// any log is an error, or makes a PCR.
#include <cstddef>
#include <cstdint>
#include <string>

#include "appliance/verify/measurements.hpp"
#include "crypto/boot_log.hpp"
#include "crypto/quote.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(crypto::read_boot_log(std::as_bytes(std::span{text})));
  static_cast<void>(verify::parse_measurements(text));
  static_cast<void>(crypto::check_statement(std::as_bytes(std::span{text}), {{7, {}}, {11, {}}}, {}));
  const auto quote = crypto::parse_quote(text);
  if (!quote) return 0;
  const auto again = crypto::parse_quote(crypto::to_json(*quote));
  require(again && *again == *quote, "a quote has one meaning");
  static_cast<void>(crypto::check_quote(*quote, {}));
  static_cast<void>(crypto::read_boot_log(quote->boot_log));
  return 0;
}
