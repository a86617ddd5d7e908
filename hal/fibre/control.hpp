#pragma once
/// The laboratory's panel of the fibre: one line of JSON asks, one line answers.
///
///   {"command":"status"}
///   {"command":"eve","attack":"intercept-resend","fraction":1.0,"basis":"random","mean_photons":0}
///   {"command":"eve","attack":"photon-number-splitting","fraction":1.0,"keeps_rate":true}
///   {"command":"eve","attack":"blinding","fraction":1.0}
///   {"command":"eve","attack":"none"}
///   {"command":"cut","on":true}
///   {"command":"noise","per_slot":1e-4}        counts of stray light, per detector
///   {"command":"sync","shift":3}               slots by which the receiver's count is behind
///   {"command":"replay","on":true}             the receiver's device reports its last frame again and again
///
/// "basis" is "random" or "z"; what follows an attack's name may be left out.
/// A failure is answered with {"error":"…"}; everything else with the status after it.

#include <string>
#include <string_view>

#include "hal/fibre/station.hpp"

namespace cloister::hal::fibre {

inline constexpr std::size_t control_line_bytes_max = 4096;

/// The answer to one line, without its newline.
[[nodiscard]] std::string answer(std::string_view line, Station& station);

}  // namespace cloister::hal::fibre
