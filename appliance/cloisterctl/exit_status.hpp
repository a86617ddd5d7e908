#pragma once
/// The exit statuses of cloisterctl. `--help` shows this table.

#include <array>
#include <string>
#include <string_view>

namespace cloister::cloisterctl {

enum class ExitStatus { done = 0, failed = 1, usage = 2, service_absent = 3, right_lacking = 4, alarms_stand = 5 };

struct ExitStatusMeaning {
  ExitStatus status;
  std::string_view meaning;
};

inline constexpr auto exit_statuses = std::to_array<ExitStatusMeaning>({
    {ExitStatus::done, "done, nothing is wrong"},
    {ExitStatus::failed, "it failed, or something is wrong in what was checked; 'config diff': the files differ"},
    {ExitStatus::usage, "the command line is wrong; 'config diff': so is a file"},
    {ExitStatus::service_absent, "no service is behind the control socket"},
    {ExitStatus::right_lacking, "this user has not the right to it"},
    {ExitStatus::alarms_stand, "'alarm': alarms stand that are not ignored"},
});

/// As the program returns it.
[[nodiscard]] constexpr int number(ExitStatus status) { return static_cast<int>(status); }

/// For `--help`.
[[nodiscard]] std::string exit_status_table();

}  // namespace cloister::cloisterctl
