#pragma once
/// What a vendor's process has written of its meters: the one place where it becomes readings, or an error. Whether they say that something
/// is wrong the watch judges.

#include <optional>

#include "crypto/error.hpp"
#include "hal/plugin/ring.hpp"
#include "hal/readings.hpp"

namespace cloister::hal::plugin {

/// Those of a role.
inline constexpr std::uint32_t receiver_meters =
    CLOISTER_HAL_METER_PHOTOCURRENT | CLOISTER_HAL_METER_ARRIVALS | CLOISTER_HAL_METER_DIMMED_GATES;
inline constexpr std::uint32_t transmitter_meters = CLOISTER_HAL_METER_OUTPUT_POWER | CLOISTER_HAL_METER_RETURNED_LIGHT;

/// Which of them the bits name.
[[nodiscard]] Meters meters_of(std::uint32_t bits);

/// `written` is the service's own copy, of the frame's slots; `has`: the device's meters. Nothing: none of them speaks.
[[nodiscard]] Result<std::optional<ReceiverReadings>> parse_readings(const cloister_hal_receiver_readings& written,
                                                                     const DetectionFrame& frame, std::uint32_t has);
[[nodiscard]] Result<TransmitterReadings> parse_readings(const KeptReadings& written, std::uint32_t has);

}  // namespace cloister::hal::plugin
