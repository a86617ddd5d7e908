#pragma once
/// The self-tests of a box: its primitives and randomness before anything else is done with them, and on demand also the
/// TPM and what it has sealed.

#include <string>
#include <vector>

#include "appliance/control/status.hpp"
#include "config/model.hpp"

namespace cloister::box {

/// Primitives and randomness. What lies in TPM and files is tested by being opened, at the start.
[[nodiscard]] std::vector<control::TestResult> test_primitives();
/// These, the TPM (its own test, and a seal that opens again), and whether all that is sealed opens. Blocks.
[[nodiscard]] std::vector<control::TestResult> test_all(const config::Configuration& configuration);

/// The failed ones, as a text for an event; empty when there is none.
[[nodiscard]] std::string failed_tests(const std::vector<control::TestResult>& results);

/// The text of the event SELF_TEST_FAILED.
[[nodiscard]] std::string self_test_alarm(const std::string& failures);

}  // namespace cloister::box
