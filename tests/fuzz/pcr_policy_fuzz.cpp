// A file of signed PCR policies: any text is an error, or policies that are written as they were read.
#include <cstddef>
#include <cstdint>
#include <string>

#include "crypto/pcr_policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto policies = crypto::parse_pcr_signatures(text);
  if (!policies) return 0;
  const auto again = crypto::parse_pcr_signatures(crypto::to_json(*policies));
  require(again && *again == *policies, "policies have one meaning");
  return 0;
}
