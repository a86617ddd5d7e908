#pragma once
/// Whether what keys rest on works in this process: a known answer for each primitive that the service uses, by the very
/// code that it uses, and the health of the kernel's and of its own randomness.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::crypto {

struct SelfTest {
  std::string name;               // stable: "aes-256-gcm"
  std::function<Result<>()> run;  // an error says what was seen in place of what
};

/// A quarter of a second in all.
[[nodiscard]] std::vector<SelfTest> self_tests();

/// NIST SP 800-90B, 4.4: repetition count and adaptive proportion, of bytes that claim eight bits of entropy each.
/// Cutoffs are of a false alarm in 2^60 bytes, or windows of 512 bytes. An error says which test and what it saw.
[[nodiscard]] Result<> check_randomness(std::span<const std::byte> bytes);

/// Equal bytes in a row that are too many.
[[nodiscard]] std::uint32_t repetition_cutoff();
/// Bytes of a window that equal its first, which are too many.
[[nodiscard]] std::uint32_t proportion_cutoff();
inline constexpr std::size_t proportion_window = 512;

}  // namespace cloister::crypto
