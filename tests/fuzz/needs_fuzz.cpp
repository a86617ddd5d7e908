// A block's note: what the peer's store lacks. Any bytes are an error or needs, and a block can be allocated by them.
#include <cstddef>
#include <cstdint>
#include <span>

#include "appliance/keys/store.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const auto needs = keys::Needs::decode(std::as_bytes(std::span{data, size}));
  if (!needs) return 0;
  keys::Store store{{{{1}, "a", 4}, {{2}, "b", 4}}};
  const auto reserve = store.add({1}, wire::Authenticator::qkd, crypto::SecretBits{5000}, store.needs(2000, 3), *needs);
  require(reserve.has_value() && reserve->size_bits() <= 1250, "the reserve has a quarter of a block at most");
  const auto balance = store.balance();
  require(balance.produced_bits == balance.reserve_bits + balance.taken_bits + balance.burnt_bits +
                                       balance.discarded_bits + balance.stock_bits,
          "conservation");
  return 0;
}
