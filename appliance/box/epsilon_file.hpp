#pragma once
/// Where a link's total of epsilon outlives the service: one decimal number in a file of its own.

#include <string>

#include "crypto/error.hpp"

namespace cloister::box {

/// 0 when there is no file yet. A file that holds anything but a number from 0 on is refused: to begin at 0 again would
/// forget what was spent.
[[nodiscard]] Result<double> read_epsilon(const std::string& path);
/// Replaces the file whole, also through a power cut.
[[nodiscard]] Result<> write_epsilon(const std::string& path, double total);

}  // namespace cloister::box
