#pragma once
/// The audit log of this box: every event as it is written, each bound to all before it (control/audit.hpp).
///
/// A full file is put away as `audit.1.jsonl`, where it replaces the one before; the chain goes on in the new one.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/control/audit.hpp"
#include "appliance/control/status.hpp"
#include "appliance/drivers/line_file.hpp"

namespace cloister::box {

class AuditLog {
 public:
  static constexpr std::uint64_t file_bytes_max = std::uint64_t{16} << 20U;

  /// Reads what is there, goes on from its last line.
  [[nodiscard]] static Result<AuditLog> open(const std::string& directory, std::uint64_t bytes_max = file_bytes_max);

  /// What in the file does not hang together, if anything.
  [[nodiscard]] const std::optional<std::string>& found_broken() const { return broken_; }

  /// The alarms that were in it and stand until somebody acknowledges them, and those acknowledgements, oldest first.
  [[nodiscard]] std::vector<control::AuditEntry> take_history() { return std::exchange(history_, {}); }

  [[nodiscard]] Result<> append(const control::Event& event, std::chrono::system_clock::time_point time);
  /// Hash of the newest line.
  [[nodiscard]] const std::string& head() const { return chain_.head(); }

 private:
  /// What says of an alarm that it stands until somebody acknowledges it, or that somebody has.
  void remember(control::AuditEntry entry);

  AuditLog(std::string directory, std::uint64_t bytes_max, drivers::LineFile file)
      : directory_{std::move(directory)}, bytes_max_{bytes_max}, file_{std::move(file)} {}
  std::string directory_;
  std::uint64_t bytes_max_;
  drivers::LineFile file_;
  control::AuditChain chain_;
  std::optional<std::string> broken_;
  std::vector<control::AuditEntry> history_;
};

}  // namespace cloister::box
