#pragma once
/// Names that both boxes use for the same thing; they travel in messages and are not secret.

#include <compare>
#include <cstdint>

namespace cloister::wire {

/// A block of distillation. Numbers ascend over the life of a link's two services, and are never used for two blocks.
struct BlockId {
  std::uint64_t value = 0;
  auto operator<=>(const BlockId&) const = default;
};

/// One tunnel key: the `index`-th that the tunnel was given from `block`.
struct KeyName {
  BlockId block;
  std::uint32_t index = 0;
  auto operator<=>(const KeyName&) const = default;
};

/// A tunnel of a link, by a digest of its name and of all that both boxes must have alike: one that differs is another.
struct TunnelId {
  std::uint64_t value = 0;
  auto operator<=>(const TunnelId&) const = default;
};

/// What authenticates, or has authenticated, something that the boxes have said to each other.
enum class Authenticator {
  none,
  bootstrap,      // tags under pads that are derived from the bootstrap's secret
  qkd,            // tags under pads of QKD key, each used once: information-theoretically
  computational,  // tags under pads that are derived from QKD key
};
/// "nobody", "bootstrap", "qkd", "computational", as `status` and the account log say it.
[[nodiscard]] constexpr const char* to_string(Authenticator by) {
  switch (by) {
    case Authenticator::none:
      return "nobody";
    case Authenticator::bootstrap:
      return "bootstrap";
    case Authenticator::qkd:
      return "qkd";
    case Authenticator::computational:
      return "computational";
  }
  return "";
}

}  // namespace cloister::wire
