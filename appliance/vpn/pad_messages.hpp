#pragma once
/// What the two engines of a one-time-pad tunnel say to each other (pad_engine.hpp).

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "appliance/vpn/esp.hpp"
#include "appliance/wire/names.hpp"

namespace cloister::vpn {

enum class PadMessage : std::uint8_t { standing = 1, open = 2, opened = 3, give = 4, taken = 5, refused = 6 };

/// How many keys of the stock one message gives at most.
inline constexpr std::size_t pad_keys_at_once = 256;

/// One direction, as a box knows it. Epochs start from 1; 0 is none.
struct PadEnd {
  std::uint64_t newest_epoch = 0;  // ever named
  std::uint64_t epoch = 0;         // of the SA that is there
  std::uint64_t end = 0;           // of its pad, in units
  wire::KeyName keys_from;         // all keys of the pad's stock before it are used or burnt
  wire::KeyName hash_keys_from;    // the same of the stock of hash keys
};

/// The first message of each engine in a session.
struct PadStanding {
  PadEnd sending;
  PadEnd receiving;
};

/// The sender has taken that key of its stock of hash keys for a new SA.
struct PadOpen {
  std::uint64_t epoch;
  wire::KeyName key;
};
struct PadOpened {
  std::uint64_t epoch;
  Spi spi;
};
/// The sender has taken these, in this order, for the pad from `at` on.
struct PadGive {
  std::uint64_t epoch;
  std::uint64_t at;
  std::vector<wire::KeyName> keys;  // ascending; 1 to pad_keys_at_once
};
struct PadTaken {
  std::uint64_t epoch;
  std::uint64_t end;  // the pad's, with them
};
/// The receiver does not have what was named, at that place (0 of an OPEN); both have burnt it.
struct PadRefused {
  std::uint64_t epoch;
  std::uint64_t at;
};

[[nodiscard]] std::vector<std::byte> encode(const PadStanding& standing);
[[nodiscard]] std::vector<std::byte> encode(const PadOpen& open);
[[nodiscard]] std::vector<std::byte> encode(const PadOpened& opened);
[[nodiscard]] std::vector<std::byte> encode(const PadGive& give);
[[nodiscard]] std::vector<std::byte> encode(const PadTaken& taken);
[[nodiscard]] std::vector<std::byte> encode(const PadRefused& refused);

using AnyPadMessage = std::variant<PadStanding, PadOpen, PadOpened, PadGive, PadTaken, PadRefused>;

/// Strict: nothing behind, no reserved SPI, names in order, and no number behind which there is none.
[[nodiscard]] std::optional<AnyPadMessage> decode_pad_message(std::uint8_t type, std::span<const std::byte> payload);

}  // namespace cloister::vpn
