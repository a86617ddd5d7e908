#pragma once
/// What systemd lets a service do, as its unit says, drop-ins included.

#include <cstdint>
#include <optional>
#include <string>

namespace cloister::drivers {

/// LimitMEMLOCK of a unit of this machine in bytes, of its two limits the soft one, which holds; nothing where there is no
/// such unit, or no systemd that answers.
[[nodiscard]] std::optional<std::uint64_t> lockable_bytes_of_unit(const std::string& unit);

}  // namespace cloister::drivers
