#pragma once
/// What each box says first: who it is, which life of its service this is, and what it still holds. Not authenticated
/// by itself: both greetings enter the exporter's context, or the resumed keys, so a changed one ends the session.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/session/sealed_reserve.hpp"
#include "appliance/wire/names.hpp"

namespace cloister::session {

/// Drawn when a service starts; tells a reconnection from a restart.
using Life = std::array<std::byte, 16>;

struct Greeting {
  std::string link;
  std::string box;
  std::string peer;
  std::uint8_t side = 0;
  Life life{};
  Life known_peer_life{};  // zeros when none
  std::array<std::byte, 32> nonce{};
  std::uint64_t next_block = 1;     // no block from this number on was ever begun here
  std::uint64_t channel_block = 0;  // the block that gave the channel key; 0 without one
  std::vector<wire::BlockId> held;  // ascending
  bool bootstraps = true;           // else it waits for its operator where nothing else serves
  // The sealed reserve; all zero and empty without one.
  std::uint64_t own_counter = 0;
  std::uint64_t granted_counter = 0;
  std::uint64_t sealed_bits = 0;     // of a whole generation
  std::vector<GenerationId> sealed;  // the newest first
  std::string agreement;

  bool operator==(const Greeting&) const = default;
};

inline constexpr std::uint16_t greeting_version = 6;  // of the protocol
inline constexpr std::size_t greeting_held_max = 1024;
inline constexpr std::size_t greeting_sealed_max = 2;
inline constexpr std::size_t agreement_bytes_max = std::size_t{32} * 1024;

[[nodiscard]] std::vector<std::byte> encode(const Greeting& greeting);
[[nodiscard]] std::optional<Greeting> decode_greeting(std::span<const std::byte> payload);
/// What version of the protocol a box speaks that greets in another than this one's; nothing where it is no greeting, or
/// of the same version.
[[nodiscard]] std::optional<std::uint16_t> other_version(std::span<const std::byte> payload);

/// The first line in which two agreements differ, as "'a' here, 'b' there"; nothing when they are equal.
[[nodiscard]] std::optional<std::string> first_difference(const std::string& here, const std::string& there);

}  // namespace cloister::session
