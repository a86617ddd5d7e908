#pragma once
/// The transcript of one block, as a running polynomial hash over the frames themselves, both directions in their
/// order.
///
///   hash = frames client→server, each [length | body] ‖ frames server→client ‖ session, block, direction of the tag,
///   lengths
///
/// Nothing cryptographic lies beneath the polynomial: the tag is information-theoretically secure as far as its pad and
/// H are.

#include <array>
#include <cstdint>
#include <span>

#include "appliance/wire/names.hpp"
#include "crypto/gf128.hpp"

namespace cloister::session {

using SessionId = std::array<std::byte, 16>;

class Transcript {
 public:
  explicit Transcript(const crypto::HashKey& key);

  /// `direction`: 0 client to server, 1 server to client.
  void add(std::size_t direction, std::span<const std::byte> body);
  /// The hash that the tag of `tag_direction` encrypts. The transcript goes on unchanged.
  [[nodiscard]] crypto::PolynomialHash close(const crypto::HashKey& key, const SessionId& session, wire::BlockId block,
                                             std::size_t tag_direction) const;

 private:
  struct Half {
    crypto::PolynomialHash hash;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
  };
  std::array<Half, 2> halves_;
};

}  // namespace cloister::session
