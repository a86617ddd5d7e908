// What rekey engines say to each other, and the keys that they derive.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <set>
#include <vector>

#include "appliance/vpn/derive.hpp"
#include "appliance/vpn/rekey_messages.hpp"

namespace cloister::vpn {
namespace {

crypto::TunnelKey key_of(const wire::KeyName& name) {
  crypto::TunnelKey key;
  std::memcpy(key.fill().data(), &name.index, sizeof name.index);
  return key;
}

using KeyBytes = std::array<std::byte, SaKey::size>;

KeyBytes bytes_of(const SaKey& key) {
  KeyBytes bytes{};
  std::ranges::copy(key.expose(), bytes.begin());
  return bytes;
}

TEST_CASE("Every rekey message is read as written and refused when cut, lengthened, or of the other mode", "[rekey]") {
  const std::vector<std::byte> kem_public(crypto::kem_public_bytes, std::byte{1});
  const std::vector<std::byte> kem_ciphertext(crypto::kem_ciphertext_bytes, std::byte{2});
  std::vector<std::pair<RekeyMessage, std::vector<std::byte>>> messages;
  messages.emplace_back(RekeyMessage::standing,
                        encode(Standing{.newest_epoch = 7, .in_use = 5, .accepted = 6, .keys_from = {{3}, 4}}));
  messages.emplace_back(RekeyMessage::offer, encode(Offer{7, {{3}, 4}, {0x1000}, kem_public}));
  messages.emplace_back(RekeyMessage::accept, encode(Accept{7, {0x1001}, kem_ciphertext}));
  messages.emplace_back(RekeyMessage::confirm, encode(Confirm{7}));
  messages.emplace_back(RekeyMessage::reject, encode(Reject{7}));
  messages.emplace_back(RekeyMessage::wish, encode(Wish{7}));
  messages.emplace_back(RekeyMessage::exchange, encode(Exchange{7, {0x1000}, {}, kem_public}));
  messages.emplace_back(RekeyMessage::exchanged, encode(Exchanged{7, {0x1001}, {}, kem_ciphertext}));
  for (const auto& [type, payload] : messages) {
    const auto number = static_cast<std::uint8_t>(type);
    REQUIRE(decode_rekey(number, payload, true));
    for (std::size_t length = 0; length < payload.size(); ++length)
      REQUIRE_FALSE(decode_rekey(number, std::span{payload}.first(length), true));
    std::vector<std::byte> longer(payload.size() + 1);
    std::ranges::copy(payload, longer.begin());
    CHECK_FALSE(decode_rekey(number, longer, true));
    if (type == RekeyMessage::offer || type == RekeyMessage::accept) CHECK_FALSE(decode_rekey(number, payload, false));
  }
  CHECK_FALSE(decode_rekey(static_cast<std::uint8_t>(RekeyMessage::offer), encode(Offer{7, {{3}, 4}, {255}, {}}),
                           false));  // a reserved SPI
  CHECK_FALSE(decode_rekey(99, {}, false));
}

TEST_CASE("An SA's key depends on everything that names it", "[derive]") {
  const SaSecrets secrets{key_of({{1}, 1}), std::nullopt};
  const SaContext context{.tunnel = "office",
                          .initiator = "alice",
                          .responder = "bob",
                          .epoch = 1,
                          .key_name = {{1}, 1},
                          .kem_public_key = {},
                          .kem_ciphertext = {},
                          .x25519_initiator = {},
                          .x25519_responder = {}};
  std::set<KeyBytes> keys;
  const auto add = [&](const SaSecrets& from, const SaContext& with, Direction direction, Spi spi) {
    keys.insert(bytes_of(from.derive(with, direction, spi)));
  };
  add(secrets, context, Direction::initiator_to_responder, {0x1000});
  add(secrets, context, Direction::initiator_to_responder, {0x1000});
  CHECK(keys.size() == 1);
  add(secrets, context, Direction::responder_to_initiator, {0x1000});
  add(secrets, context, Direction::initiator_to_responder, {0x1001});
  auto changed = context;
  changed.epoch = 2;
  add(secrets, changed, Direction::initiator_to_responder, {0x1000});
  changed = context;
  changed.key_name.index = 2;
  add(secrets, changed, Direction::initiator_to_responder, {0x1000});
  changed = context;
  changed.tunnel = "offic";
  changed.initiator = "ealice";  // the same letters in a row: lengths must part them
  add(secrets, changed, Direction::initiator_to_responder, {0x1000});
  add(SaSecrets{key_of({{1}, 2}), std::nullopt}, context, Direction::initiator_to_responder, {0x1000});
  crypto::KemSecret kem;
  add(SaSecrets{key_of({{1}, 1}), std::move(kem)}, context, Direction::initiator_to_responder, {0x1000});
  CHECK(keys.size() == 8);
}

TEST_CASE("The key of an exchange's SA depends on both secrets and on every public value", "[derive]") {
  const auto secrets = [](unsigned agreed, unsigned kem) {
    crypto::X25519Secret first;
    first.fill()[0] = static_cast<std::byte>(agreed);
    crypto::KemSecret second;
    second.fill()[0] = static_cast<std::byte>(kem);
    return SaSecrets{std::move(first), std::move(second)};
  };
  const std::array<std::byte, 2> one{std::byte{1}, std::byte{2}};
  const std::array<std::byte, 2> other{std::byte{1}, std::byte{3}};
  const SaContext context{.tunnel = "office",
                          .initiator = "alice",
                          .responder = "bob",
                          .epoch = 1,
                          .key_name = {},
                          .kem_public_key = one,
                          .kem_ciphertext = one,
                          .x25519_initiator = one,
                          .x25519_responder = one};
  std::set<KeyBytes> keys;
  const auto add = [&](const SaSecrets& from, const SaContext& with) {
    keys.insert(bytes_of(from.derive(with, Direction::initiator_to_responder, {0x1000})));
  };
  add(secrets(1, 1), context);
  add(secrets(2, 1), context);
  add(secrets(1, 2), context);
  for (auto part : {&SaContext::kem_public_key, &SaContext::kem_ciphertext, &SaContext::x25519_initiator,
                    &SaContext::x25519_responder}) {
    auto changed = context;
    changed.*part = other;
    add(secrets(1, 1), changed);
  }
  // The same bytes as a key of the stock and its KEM secret.
  crypto::TunnelKey key;
  key.fill()[0] = std::byte{1};
  crypto::KemSecret kem;
  kem.fill()[0] = std::byte{1};
  add(SaSecrets{std::move(key), std::move(kem)}, context);
  CHECK(keys.size() == 8);
}

}  // namespace
}  // namespace cloister::vpn
