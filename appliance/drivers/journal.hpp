#pragma once
/// One entry of the systemd journal, with fields of its own.

#include <span>
#include <string>

namespace cloister::drivers {

/// Whether this process' standard error goes to the journal.
[[nodiscard]] bool under_journal();

/// Fields as "NAME=value"; MESSAGE and PRIORITY among them. False: the journal did not take it.
[[nodiscard]] bool send_to_journal(std::span<const std::string> fields);

}  // namespace cloister::drivers
