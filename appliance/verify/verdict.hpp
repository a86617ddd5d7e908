#pragma once
/// Whether a quote shows that a box runs an image: each question by itself, so that a reader sees which did not hold.

#include <optional>
#include <string>
#include <vector>

#include "appliance/verify/measurements.hpp"
#include "crypto/quote.hpp"

namespace cloister::verify {

struct Expected {
  Measurements measurements;
  std::vector<crypto::PcrDigest> boot_loaders;      // besides the image's: its predecessors', as updates bring none
  crypto::PcrDigest key{};                          // fingerprint of the box's attestation key, from when it was set up
  std::optional<std::vector<std::byte>> challenge;  // that this quote must answer; nothing: however old it is
  crypto::PcrValues pcrs;                           // besides: values that were noted when the box was set up
};

struct Finding {
  bool holds;
  std::string text;
};

/// Those after one that does not hold may be missing: they would say nothing.
[[nodiscard]] std::vector<Finding> judge(const crypto::Quote& quote, const Expected& expected);
[[nodiscard]] bool all_hold(const std::vector<Finding>& findings);

}  // namespace cloister::verify
