/// Accounts on the standard input of `cloisterctl account`; no input gives more key than it has detections.

#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <sstream>

#include "appliance/cloisterctl/account.hpp"
#include "appliance/distill/account_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace distill = cloister::distill;
  const std::string text{reinterpret_cast<const char*>(data), size};
  std::istringstream in{text};
  std::ostringstream out;
  static_cast<void>(cloister::cloisterctl::recompute_accounts(in, out));
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  if (error) return 0;
  const auto seen = distill::read_observation(value);
  if (seen && distill::secret_length(*seen).length_bits > seen->key.detections()) __builtin_trap();
  return 0;
}
