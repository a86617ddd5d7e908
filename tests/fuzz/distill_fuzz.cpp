// The chain's messages from the peer: any sequence of them into either half, and each decoder by itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "appliance/distill/chain.hpp"
#include "appliance/distill/messages.hpp"
#include "appliance/distill/sift_messages.hpp"
#include "crypto/random.hpp"

namespace {

/// Every slot holds the same symbol.
class OneSymbol final : public cloister::hal::SymbolSource {
 public:
  cloister::Result<> symbols(cloister::hal::Epoch, std::span<const cloister::hal::Slot>,
                             std::span<cloister::hal::Symbol> out) override {
    std::ranges::fill(out, cloister::hal::Symbol{cloister::hal::Basis::z, 1, 0});
    return {};
  }
  void release(cloister::hal::Epoch, cloister::hal::Slot) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  if (size < 2 || size > 65'535) return 0;
  auto rest = std::as_bytes(std::span{data, size}).subspan(1);
  if (const auto sift = distill::decode_sift(rest)) {
    const auto again = distill::decode_sift(distill::encode(*sift));
    require(again && again->slots == sift->slots && again->bases == sift->bases && again->test_bits == sift->test_bits,
            "what was understood can be said again");
  }
  for (const std::size_t intensities : {2U, 3U})
    static_cast<void>(distill::decode_sift_reply(rest, distill::BitString{1000}, intensities));
  static_cast<void>(distill::decode_amplify(rest, 1000));

  static crypto::SystemRandom random;
  OneSymbol source;
  distill::Parameters parameters;
  parameters.block_bits = 64;
  const bool alice = (data[0] & 1U) != 0;
  const auto chain =
      alice ? distill::make_alice_chain(parameters, source, random) : distill::make_bob_chain(parameters, random);
  const auto drain = [&] {
    while (auto action = chain->next_action())
      require(!std::holds_alternative<distill::Amplified>(*action), "no key from so few bits");
  };
  chain->start({1});
  if (!alice) {
    hal::DetectionFrame frame{.epoch = 1, .first = 0, .slots = 100, .detections = {}};
    for (hal::Slot slot = 0; slot < 100; ++slot)
      frame.detections.push_back(
          {slot, slot % 3 == 0 ? hal::Basis::x : hal::Basis::z, static_cast<std::uint8_t>(slot & 1U), false});
    chain->on_frame(std::move(frame));
  }
  drain();
  while (rest.size() >= 3) {
    const auto type = std::to_integer<std::uint8_t>(rest[0]);
    const std::size_t length = std::min<std::size_t>(
        rest.size() - 3, std::to_integer<std::size_t>(rest[1]) << 8U | std::to_integer<std::size_t>(rest[2]));
    if (!chain->on_message({1}, type, rest.subspan(3, length))) return 0;
    drain();
    rest = rest.subspan(3 + length);
  }
  return 0;
}
