#pragma once
/// For tests only: what is secret in a run, so that a test can look for it where it must not be. Builds with
/// CLOISTER_TEST_KEYLOG alone have code for it; a test looks.

#include <cstddef>
#include <span>
#include <string_view>

#include "crypto/test_build.hpp"

namespace cloister::crypto {

#ifdef CLOISTER_TEST_KEYLOG
/// Appends "NAME HEX", of the first bytes of the secret, to the file that the environment's CLOISTER_SECRETS names. Makes
/// no copy outside the arena.
void log_secret(std::string_view name, std::span<const std::byte> secret);
/// Whether the environment's CLOISTER_CORE asks that a crash leave a core.
[[nodiscard]] bool cores_wanted();
#else
constexpr void log_secret(std::string_view, std::span<const std::byte>) {}
constexpr bool cores_wanted() { return false; }
#endif

}  // namespace cloister::crypto
