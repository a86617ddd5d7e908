#pragma once
/// What the two rekey engines of a tunnel say to each other.

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "appliance/vpn/esp.hpp"
#include "appliance/wire/names.hpp"
#include "crypto/x25519.hpp"

namespace cloister::vpn {

enum class RekeyMessage : std::uint8_t {
  standing = 1,
  offer = 2,
  accept = 3,
  confirm = 4,
  reject = 5,
  wish = 6,
  exchange = 7,
  exchanged = 8
};

/// The first message of each engine in a session: what the last one has left. Epochs start from 1; 0 is none.
struct Standing {
  std::uint64_t newest_epoch = 0;  // ever named here: the next is beyond both boxes'
  std::uint64_t in_use = 0;        // this box sends and receives on its SAs
  std::uint64_t accepted = 0;      // responder: the receiving SA is there, CONFIRM has not come
  wire::KeyName keys_from;         // all keys before it are used or burnt here
};

struct Offer {
  std::uint64_t epoch;
  wire::KeyName key_name;
  Spi spi;                            // for packets to the initiator
  std::vector<std::byte> kem_public;  // empty without hybrid mode
};
struct Accept {
  std::uint64_t epoch;
  Spi spi;                                // for packets to the responder
  std::vector<std::byte> kem_ciphertext;  // empty without hybrid mode
};
/// In place of an offer, where the stock has no key and the tunnel may go on without.
struct Exchange {
  std::uint64_t epoch;
  Spi spi;  // for packets to the initiator
  crypto::X25519Public x25519;
  std::vector<std::byte> kem_public;
};
struct Exchanged {
  std::uint64_t epoch;
  Spi spi;  // for packets to the responder
  crypto::X25519Public x25519;
  std::vector<std::byte> kem_ciphertext;
};
struct Confirm {
  std::uint64_t epoch;
};
/// The responder does not have the key, or cannot answer.
struct Reject {
  std::uint64_t epoch;
};
/// The responder wants another key than that of the epoch, before its time. A wish that cannot be had now is forgotten.
struct Wish {
  std::uint64_t epoch;
};

[[nodiscard]] std::vector<std::byte> encode(const Standing& standing);
[[nodiscard]] std::vector<std::byte> encode(const Offer& offer);
[[nodiscard]] std::vector<std::byte> encode(const Accept& accept);
[[nodiscard]] std::vector<std::byte> encode(const Confirm& confirm);
[[nodiscard]] std::vector<std::byte> encode(const Reject& reject);
[[nodiscard]] std::vector<std::byte> encode(const Wish& wish);
[[nodiscard]] std::vector<std::byte> encode(const Exchange& exchange);
[[nodiscard]] std::vector<std::byte> encode(const Exchanged& exchanged);

using AnyRekeyMessage = std::variant<Standing, Offer, Accept, Confirm, Reject, Wish, Exchange, Exchanged>;

/// Strict: right lengths for the mode, nothing behind, no reserved SPI.
[[nodiscard]] std::optional<AnyRekeyMessage> decode_rekey(std::uint8_t type, std::span<const std::byte> payload,
                                                          bool hybrid);

}  // namespace cloister::vpn
