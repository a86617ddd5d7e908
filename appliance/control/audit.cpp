#include "appliance/control/audit.hpp"

#include <boost/json.hpp>
#include <format>
#include <span>
#include <utility>

#include "crypto/digest.hpp"

namespace cloister::control {
namespace json = boost::json;

std::string audit_file(unsigned age) { return age == 0 ? "audit.jsonl" : std::format("audit.{}.jsonl", age); }

std::string audit_path(const std::string& directory, unsigned age) { return directory + "/" + audit_file(age); }

std::string audit_time(std::chrono::system_clock::time_point time) {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::milliseconds>(time));
}

std::string encode_audit_entry(const AuditEntry& entry) { return json::serialize(json::value_from(entry)); }

std::expected<AuditEntry, std::string> decode_audit_entry(std::string_view line) {
  if (line.size() > audit_line_bytes_max)
    return std::unexpected{std::format("a line longer than {} bytes", audit_line_bytes_max)};
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error) return std::unexpected{"no JSON object on one line"};
  auto entry = json::try_value_to<AuditEntry>(value);
  if (!entry) return std::unexpected{"a JSON value that is no entry of an audit log"};
  return std::move(*entry);
}

std::string audit_hash(std::string_view line) { return crypto::sha256_hex(std::as_bytes(std::span{line})); }

std::expected<AuditEntry, std::string> AuditChain::add(std::string_view line) {
  const bool first = lines_++ == 0;
  const std::string before = std::exchange(head_, audit_hash(line));
  auto entry = decode_audit_entry(line);
  if (!entry) return entry;
  const std::uint64_t expected = number_ + 1;
  number_ = entry->number;
  if (first) begins_after_ = entry->previous;
  if (first && entry->number != 1) return entry;  // an earlier part was put away
  if (entry->number != expected)
    return std::unexpected{std::format("entry {}, where {} is expected", entry->number, expected)};
  if (entry->previous != before)
    return std::unexpected{std::format("entry {} follows a line with the hash {}, but the line before it has {}",
                                       entry->number, entry->previous, before)};
  return entry;
}

AuditEntry AuditChain::next() const {
  AuditEntry entry;
  entry.number = number_ + 1;
  entry.previous = head_;
  return entry;
}

}  // namespace cloister::control
