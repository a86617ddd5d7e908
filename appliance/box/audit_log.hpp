#pragma once
/// The audit log of this box: every event as it is written, each bound to all before it (control/audit.hpp).
///
/// A full file is put away as `audit.1.jsonl`, the one before as `audit.2.jsonl`, and so on, as many as the configuration
/// says; the chain goes on in the new one.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/control/audit.hpp"
#include "appliance/control/status.hpp"
#include "appliance/drivers/line_file.hpp"
#include "config/model.hpp"

namespace cloister::box {

/// What it says of older images that somebody has retired, by the service or without it.
[[nodiscard]] std::string images_retired_text(std::uint64_t generation, unsigned user);

class AuditLog {
 public:
  /// Reads what is there, goes on from its last line.
  [[nodiscard]] static Result<AuditLog> open(const std::string& directory, const config::Logging& limits);

  /// From now on these are its limits.
  void follow(const config::Logging& limits) { limits_ = limits; }

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

  [[nodiscard]] Result<> begin_a_file();

  AuditLog(std::string directory, const config::Logging& limits, drivers::LineFile file)
      : directory_{std::move(directory)}, limits_{limits}, file_{std::move(file)} {}
  std::string directory_;
  config::Logging limits_;
  drivers::LineFile file_;
  control::AuditChain chain_;
  std::optional<std::string> broken_;
  std::vector<control::AuditEntry> history_;
};

}  // namespace cloister::box
