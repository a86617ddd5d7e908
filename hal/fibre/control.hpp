#pragma once
/// The laboratory's panel of the fibre: one line of JSON asks, one line answers.
///
///   {"command":"status"}
///   {"command":"eve","attack":"intercept-resend","fraction":1.0,"basis":"random"}     basis: "random" or "z"; both
///   optional
///   {"command":"eve","attack":"none"}
///   {"command":"cut","on":true}
///
/// A failure is answered with {"error":"…"}; everything else with the status after it.

#include <string>
#include <string_view>

#include "hal/fibre/station.hpp"

namespace cloister::hal::fibre {

inline constexpr std::size_t control_line_bytes_max = 4096;

/// The answer to one line, without its newline.
[[nodiscard]] std::string answer(std::string_view line, Station& station);

}  // namespace cloister::hal::fibre
