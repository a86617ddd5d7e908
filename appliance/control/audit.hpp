#pragma once
/// The audit log's language: one JSON object a line; each line holds the SHA-256 of the line before it (without its
/// line feed), so that nothing can be changed, removed or put in without all later lines being written anew.
///
/// The hash of the last line is the head. It goes to the journal with each event: whoever keeps the journal on another
/// host can tell a log that was written anew as a whole. `tail -n 1 FILE | tr -d '\n' | sha256sum` recomputes it.

#include <boost/describe/class.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

namespace cloister::control {

struct AuditEntry {
  std::uint64_t number = 0;  // from 1, without a gap
  std::string time;          // of the wall clock, "2026-11-25T16:20:00.123Z"
  std::string severity;      // "info", "alarm"
  std::string code;
  std::string subject;
  std::string text;
  std::uint64_t times = 1;
  std::string previous;  // 64 hexadecimal digits; those of the very first entry are zeros
};
BOOST_DESCRIBE_STRUCT(AuditEntry, (), (number, time, severity, code, subject, text, times, previous))

/// As `AuditEntry::time`.
[[nodiscard]] std::string audit_time(std::chrono::system_clock::time_point time);

inline constexpr unsigned audit_files_max = 32;

/// In the state directory: 0 is written, "audit.jsonl"; 1, "audit.1.jsonl", was before it, and so on.
[[nodiscard]] std::string audit_file(unsigned age);
[[nodiscard]] std::string audit_path(const std::string& directory, unsigned age);

/// What the very first entry holds as `previous`.
inline const std::string audit_beginning(64, '0');

inline constexpr std::size_t audit_line_bytes_max = 64U << 10U;

/// One line without its line feed.
[[nodiscard]] std::string encode_audit_entry(const AuditEntry& entry);
[[nodiscard]] std::expected<AuditEntry, std::string> decode_audit_entry(std::string_view line);
/// What the next line is to hold as `previous`.
[[nodiscard]] std::string audit_hash(std::string_view line);

/// A log that is read line by line, the parts of a log that was divided one after the other.
class AuditChain {
 public:
  /// An error says what does not fit; the chain then goes on from this line.
  [[nodiscard]] std::expected<AuditEntry, std::string> add(std::string_view line);

  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  [[nodiscard]] std::uint64_t newest() const { return number_; }
  [[nodiscard]] const std::string& head() const { return head_; }
  /// The first line's `previous`: zeros, or the head of an earlier part that is not here.
  [[nodiscard]] const std::string& begins_after() const { return begins_after_; }

  /// The entry that comes after the last.
  [[nodiscard]] AuditEntry next() const;

 private:
  std::uint64_t lines_ = 0;
  std::uint64_t number_ = 0;
  std::string head_ = audit_beginning;
  std::string begins_after_ = audit_beginning;
};

}  // namespace cloister::control
