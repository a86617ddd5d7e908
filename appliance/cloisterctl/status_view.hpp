#pragma once
/// The status as a person reads it on a terminal.

#include <string>

#include "appliance/control/status.hpp"

namespace cloister::cloisterctl {

/// `colours` only on a terminal.
[[nodiscard]] std::string render(const control::BoxStatus& status, bool colours);

/// A link or a tunnel alone, as it stands there.
[[nodiscard]] std::string render(const control::LinkStatus& link, bool colours);
[[nodiscard]] std::string render(const control::TunnelStatus& tunnel, bool colours);

/// "1.23 Mbit/s", "45.6 MiB": three significant digits.
[[nodiscard]] std::string with_rate_unit(double bits_per_second);
[[nodiscard]] std::string with_size_unit(double bytes);

}  // namespace cloister::cloisterctl
