// Certificates and revocation lists from an operator's files: any text is an error or is taken, and a chain that is taken
// can be asked for a name.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/certificates.hpp"
#include "crypto/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  static crypto::SystemRandom random;
  static const auto identity = crypto::Identity::generate(random).value();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto chain = crypto::CertificateChain::parse(text)) {
    require(!chain->certificates().empty(), "a chain has a certificate");
    require(!chain->check(identity, "geneva"), "nobody has this box's key");
  }
  static_cast<void>(crypto::Authority::parse(text, text));
  const auto half = text.size() / 2;
  static_cast<void>(crypto::Authority::parse(text.substr(0, half), text.substr(half)));
  return 0;
}
