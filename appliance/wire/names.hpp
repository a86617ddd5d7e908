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

}  // namespace cloister::wire
