#pragma once
/// `cloisterctl config`: looks at configuration files; needs no running service and no privilege.

#include <cstdint>
#include <optional>
#include <string>

namespace cloister::cloisterctl {

/// Says what is wrong in a file, each with its place; exit status 1 then. `lockable_mib`: how much memory the service that
/// reads it may lock; none: what this machine's unit says.
[[nodiscard]] int config_check(const std::string& file, std::optional<std::uint64_t> lockable_mib, bool json);
/// The file with every default written out and marked.
[[nodiscard]] int config_show(const std::string& file, bool json);
/// What is in force by one file and not by the other; exit status 0 when nothing, 1 when something, 2 for a file that is
/// wrong, as diff(1).
[[nodiscard]] int config_diff(const std::string& before, const std::string& after, bool json);
/// A JSON Schema of the file, for editors.
[[nodiscard]] int config_schema();
/// Every key of the file: as Markdown, as the manual page cloister.yaml(5), or for programs.
[[nodiscard]] int config_reference(bool man, bool json);

}  // namespace cloister::cloisterctl
