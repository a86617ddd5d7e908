#include "appliance/box/audit_log.hpp"

#include <format>
#include <fstream>
#include <sstream>

#include "appliance/control/standing_alarms.hpp"

namespace cloister::box {

void AuditLog::remember(control::AuditEntry entry) {
  const bool stands =
      entry.severity == "alarm" ? control::endings_of(entry.code).empty() : entry.code == control::acknowledged_code;
  if (stands) history_.push_back(std::move(entry));
}

Result<AuditLog> AuditLog::open(const std::string& directory, std::uint64_t bytes_max) {
  const std::string path = std::format("{}/{}", directory, control::audit_file);
  const auto failed = [&](const Error& error) {
    return fail(
        std::format("audit log {}: does 'box.state_directory' exist, and may the service write there?", error.message));
  };
  auto opened = drivers::LineFile::open(path);
  if (!opened) return failed(opened.error());
  AuditLog log{directory, bytes_max, std::move(opened->file)};
  std::ifstream older{std::format("{}/{}", directory, control::audit_file_before)};
  for (std::string line; std::getline(older, line);) {
    if (auto entry = control::decode_audit_entry(line)) log.remember(std::move(*entry));
  }
  std::istringstream lines{std::move(opened->lines)};
  for (std::string line; std::getline(lines, line);) {
    auto entry = log.chain_.add(line);
    if (entry)
      log.remember(std::move(*entry));
    else if (!log.broken_)
      log.broken_ = std::format("'{}', line {}: {}", path, log.chain_.lines(), entry.error());
  }
  return log;
}

Result<> AuditLog::append(const control::Event& event, std::chrono::system_clock::time_point time) {
  if (file_.bytes() >= bytes_max_) {
    if (auto done = file_.put_away(std::format("{}/{}", directory_, control::audit_file_before)); !done) return done;
  }
  auto entry = chain_.next();
  entry.time = control::audit_time(time);
  entry.severity = event.severity;
  entry.code = event.code;
  entry.subject = event.subject;
  entry.text = event.text;
  entry.times = event.times;
  const std::string line = control::encode_audit_entry(entry);
  if (auto done = file_.append(line); !done) return done;
  if (auto added = chain_.add(line); !added) return fail(added.error());
  return {};
}

}  // namespace cloister::box
