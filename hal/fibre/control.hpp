#pragma once
/// The laboratory's panel of the fibre: one line of JSON asks, one line answers.
///
///   {"command":"status"}
///   {"command":"eve","attack":"intercept-resend","fraction":1.0,"basis":"random","mean_photons":0}
///   {"command":"eve","attack":"photon-number-splitting","fraction":1.0,"keeps_rate":true}
///   {"command":"eve","attack":"blinding","fraction":1.0,"pulsed":false,"arrival_ps":0,
///    "two_energies":false,"blinded_ua":500}
///   {"command":"eve","attack":"time-shift","fraction":1.0,"shift_ps":300}
///   {"command":"eve","attack":"beam-splitting","fraction":1.0}
///   {"command":"eve","attack":"laser-seeding","fraction":1.0,"gain":3}
///   {"command":"eve","attack":"trojan-horse","fraction":1.0,"photons":1}
///   {"command":"eve","attack":"none"}
///   {"command":"cut","on":true}
///   {"command":"noise","per_slot":1e-4}        counts of stray light, per detector
///   {"command":"sync","shift":3}               slots by which the receiver's count is behind
///   {"command":"replay","on":true}             the receiver's device reports its last frame again and again
///   {"command":"silence","on":true}            the devices' meters say nothing any more
///   {"command":"randomness","part":0.5}        so much of the transmitter's bits is 0 whatever it should be; 0: healthy again
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
