// A KME's answers: any bytes are limits, keys of the size and number that were asked for, or a reason; and any bytes are a
// message of the peer's chain of finished keys.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "appliance/distill/external_chain.hpp"
#include "crypto/random.hpp"
#include "hal/etsi014/answer.hpp"

namespace {
using namespace cloister;

void answers(const std::string& text, std::uint32_t key_bits, std::size_t count) {
  using namespace hal::etsi014;
  auto body = text;
  if (const auto limits = parse_status(body)) {
    const auto at_once = keys_at_once(*limits, key_bits);
    require(at_once > 0 && at_once <= limits->max_key_per_request, "a request within what the KME allows");
  }
  body = text;
  if (auto keys = parse_keys(body, key_bits, count)) {
    require(keys->size() == count, "as many keys as were asked for");
    std::vector<std::string> ids;
    for (const auto& key : *keys) {
      require(key.bits.size() == key_bits / 8 && hal::is_key_id(key.id), "a key of the size that was asked for");
      ids.push_back(key.id);
    }
    std::ranges::reverse(ids);
    const auto ordered = in_order(std::move(*keys), ids);
    require(ordered && ordered->size() == count, "keys can be put in the order of their names");
  }
  body = text;
  for (const char c : explain(Call::dec_keys, 400, body)) require(c >= ' ' && c <= '~', "what a KME says is printable");
}

void messages(distill::ExternalRole role, std::span<const std::byte> bytes) {
  using namespace distill;
  if (const auto offer = decode_offer(bytes)) {
    const auto again = decode_offer(encode(*offer));
    require(again && again->ids == offer->ids && again->key_bits == offer->key_bits,
            "what was understood can be said again");
  }
  static crypto::SystemRandom random;
  ExternalChain chain{role, random};
  chain.start({1});
  if (role == ExternalRole::alice) {
    std::vector<hal::FinishedKey> keys;
    for (int i = 0; i < 80; ++i) {
      keys.push_back({.id = std::to_string(i), .bits = crypto::SecretVector<std::byte>(32)});
      random.fill(keys.back().bits);
    }
    require(chain.on_fresh_keys(std::move(keys), 8).has_value(), "keys that were never there");
  }
  while (bytes.size() >= 3) {
    const auto type = std::to_integer<std::uint8_t>(bytes[0]);
    const std::size_t length = std::min<std::size_t>(
        bytes.size() - 3, std::to_integer<std::size_t>(bytes[1]) << 8U | std::to_integer<std::size_t>(bytes[2]));
    if (!chain.on_message({1}, type, bytes.subspan(3, length))) return;
    if (const auto wish = chain.next_wish()) {
      std::vector<hal::FinishedKey> keys;
      for (const auto& id : wish->offer.ids)
        keys.push_back({.id = id, .bits = crypto::SecretVector<std::byte>(wish->offer.key_bits / 8)});
      chain.on_named_keys(wish->block, std::move(keys));
    }
    while (const auto action = chain.next_action()) {
      const auto* amplified = std::get_if<Amplified>(&*action);
      require(amplified == nullptr || role == ExternalRole::bob, "alice takes no key without a tag");
    }
    bytes = bytes.subspan(3 + length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 65'535) return 0;
  const auto bytes = std::as_bytes(std::span{data, size}).subspan(2);
  answers({reinterpret_cast<const char*>(data) + 2, size - 2}, 8U * (1U + data[0] % 64U), data[1] % 8U);
  messages((data[0] & 1U) != 0 ? distill::ExternalRole::alice : distill::ExternalRole::bob, bytes);
  return 0;
}
