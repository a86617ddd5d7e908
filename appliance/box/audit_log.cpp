#include "appliance/box/audit_log.hpp"

#include <filesystem>
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

std::string images_retired_text(std::uint64_t generation, unsigned user) {
  return std::format("user {} has retired older images: nothing opens below generation {}", user, generation);
}

Result<AuditLog> AuditLog::open(const std::string& directory, const config::Logging& limits) {
  const std::string path = control::audit_path(directory, 0);
  const auto failed = [&](const Error& error) {
    return fail(
        std::format("audit log {}: does 'box.state_directory' exist, and may the service write there?", error.message));
  };
  auto opened = drivers::LineFile::open(path);
  if (!opened) return failed(opened.error());
  AuditLog log{directory, limits, std::move(opened->file)};
  for (unsigned age = control::audit_files_max; age-- > 1;) {
    std::ifstream older{control::audit_path(directory, age)};
    for (std::string line; std::getline(older, line);) {
      if (auto entry = control::decode_audit_entry(line)) log.remember(std::move(*entry));
    }
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

/// From the oldest on, so that a crash in between leaves a gap in the names, not in the chain.
Result<> AuditLog::begin_a_file() {
  std::error_code error;
  for (unsigned age = control::audit_files_max; age-- > 1;) {
    const auto path = control::audit_path(directory_, age);
    if (!std::filesystem::exists(path, error)) continue;
    if (age + 1 < limits_.audit_files)
      std::filesystem::rename(path, control::audit_path(directory_, age + 1), error);
    else
      std::filesystem::remove(path, error);
    if (error) return fail(std::format("'{}' cannot be put away: {}", path, error.message()));
  }
  return file_.put_away(control::audit_path(directory_, 1));
}

Result<> AuditLog::append(const control::Event& event, std::chrono::system_clock::time_point time) {
  if (file_.bytes() >= limits_.audit_file_bytes) {
    if (auto done = begin_a_file(); !done) return done;
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
