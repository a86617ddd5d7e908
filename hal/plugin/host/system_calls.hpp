#pragma once
/// Which system calls a vendor's library may make: seccomp filters, the second of which takes away what only loading
/// needed. A forbidden call is not made; it says its number in the ring and ends the process.

#include <expected>
#include <string>

namespace cloister::hal::plugin {

enum class Allowed { loading, driving };

/// For this thread and all it will start, for ever.
[[nodiscard]] std::expected<void, std::string> allow_only(Allowed allowed);

/// "socket" and the like for what libraries try most; "number" for the rest. Safe in a signal handler.
[[nodiscard]] const char* name_of_system_call(int number);

}  // namespace cloister::hal::plugin
