// The chain of the audit log: whatever is done to a line, the chain sees it.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <vector>

#include "appliance/control/audit.hpp"

namespace cloister::control {
namespace {

std::vector<std::string> a_log(std::size_t entries) {
  AuditChain chain;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < entries; ++i) {
    auto entry = chain.next();
    entry.time = "2026-01-01T00:00:00.000Z";
    entry.severity = "info";
    entry.code = "STARTED";
    entry.subject = "box 'geneva'";
    entry.text = "entry " + std::to_string(i);
    lines.push_back(encode_audit_entry(entry));
    REQUIRE(chain.add(lines.back()));
  }
  return lines;
}

bool whole(const std::vector<std::string>& lines) {
  AuditChain chain;
  for (const auto& line : lines)
    if (!chain.add(line)) return false;
  return true;
}

TEST_CASE("A log that was left alone is whole", "[audit]") {
  const auto lines = a_log(5);
  CHECK(whole(lines));
  // As sha256sum of the line says it.
  CHECK(audit_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("No line but the last can be changed, removed, doubled, swapped or put in", "[audit]") {
  const auto lines = a_log(6);
  const auto at = static_cast<std::size_t>(GENERATE(0, 1, 2, 3, 4));
  const auto place = lines.begin() + static_cast<std::ptrdiff_t>(at);
  auto changed = lines;
  changed[at].replace(changed[at].find("entry "), 5, "Entry");
  CHECK_FALSE(whole(changed));
  auto shorter = lines;
  shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
  // Without its first line a log is the later part of one that was divided: `begins_after` tells.
  CHECK(whole(shorter) == (at == 0));
  auto doubled = lines;
  doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(at), *place);
  CHECK_FALSE(whole(doubled));
  auto swapped = lines;
  std::swap(swapped[at], swapped[at + 1]);
  CHECK_FALSE(whole(swapped));
}

TEST_CASE("The head tells a log that was cut at its end or written anew", "[audit]") {
  const auto lines = a_log(4);
  const auto head = audit_hash(lines.back());
  AuditChain cut;
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(cut.add(lines[i]));
  CHECK(cut.head() != head);
  REQUIRE(cut.add(lines[3]));
  CHECK(cut.head() == head);
}

TEST_CASE("A later part names the head of the part before it", "[audit]") {
  const auto lines = a_log(4);
  AuditChain later;
  REQUIRE(later.add(lines[2]));
  REQUIRE(later.add(lines[3]));
  CHECK(later.begins_after() == audit_hash(lines[1]));
  CHECK(later.newest() == 4);
}

TEST_CASE("What is no entry is refused with a reason", "[audit]") {
  const auto line = GENERATE(as<std::string>{}, "", "{}", "[1]", R"({"number":-1})", "\xff", R"({"number":1,"time":2})",
                             std::string(audit_line_bytes_max + 1, ' '));
  const auto entry = decode_audit_entry(line);
  REQUIRE_FALSE(entry);
  CHECK_FALSE(entry.error().empty());
}

}  // namespace
}  // namespace cloister::control
