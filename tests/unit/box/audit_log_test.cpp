// The audit log on a real file: it goes on where it ended, through a torn line, a full file and a meddler.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "appliance/box/audit_log.hpp"

namespace cloister::box {
namespace {

struct Directory {
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "cloister-audit-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] std::string read(const char* file) const {
    std::ifstream in{path / file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  void write(const std::string& text) const { std::ofstream{path / "audit.jsonl"} << text; }

  std::filesystem::path path;
};

control::Event an_event(const std::string& text) {
  return {.number = 1, .at_seconds = 0, .severity = "info", .code = "STARTED", .subject = "box 'geneva'", .text = text};
}

void append(AuditLog& log, const std::string& text) {
  REQUIRE(log.append(an_event(text), std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}));
}

TEST_CASE("The log goes on after a restart", "[audit]") {
  const Directory directory;
  std::string head;
  for (int start = 0; start < 3; ++start) {
    auto log = AuditLog::open(directory.path, {});
    REQUIRE(log);
    CHECK_FALSE(log->found_broken());
    if (start > 0) CHECK(log->head() == head);
    append(*log, "one");
    append(*log, "two");
    head = log->head();
  }
  const auto text = directory.read("audit.jsonl");
  CHECK(std::ranges::count(text, '\n') == 6);
  CHECK(text.contains("\"time\":\"2026-11-25T00:00:00.000Z\""));
  CHECK((std::filesystem::status(directory.path / "audit.jsonl").permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("Alarms that somebody must acknowledge come back from both parts of the log, others do not", "[audit]") {
  const Directory directory;
  const auto write = [&](const char* severity, const char* code, std::uint64_t file_bytes_max) {
    auto log = AuditLog::open(directory.path, {.audit_file_bytes = file_bytes_max});
    REQUIRE(log);
    auto event = an_event("why");
    event.severity = severity;
    event.code = code;
    REQUIRE(log->append(event, std::chrono::sys_days{std::chrono::year{2026} / 11 / 25}));
  };
  write("alarm", "CHANNEL_TAMPERED", config::Logging{}.audit_file_bytes);
  write("alarm", "LIGHT_LOST", config::Logging{}.audit_file_bytes);
  write("info", "STARTED", 1);  // puts the two before away
  write("info", "ALARM_ACKNOWLEDGED", config::Logging{}.audit_file_bytes);
  REQUIRE(std::filesystem::exists(directory.path / "audit.1.jsonl"));
  auto log = AuditLog::open(directory.path, {});
  REQUIRE(log);
  const auto history = log->take_history();
  REQUIRE(history.size() == 2);
  CHECK(history[0].code == "CHANNEL_TAMPERED");
  CHECK(history[1].code == "ALARM_ACKNOWLEDGED");
}

TEST_CASE("A line that a power cut has torn is cut off, at each of its bytes", "[audit]") {
  const Directory directory;
  {
    auto log = AuditLog::open(directory.path, {});
    REQUIRE(log);
    append(*log, "one");
    append(*log, "two");
  }
  const auto whole = directory.read("audit.jsonl");
  const auto second = whole.find('\n') + 1;
  for (std::size_t bytes = second; bytes < whole.size(); ++bytes) {
    directory.write(whole.substr(0, bytes));
    auto log = AuditLog::open(directory.path, {});
    REQUIRE(log);
    REQUIRE_FALSE(log->found_broken());
    append(*log, "two");
    REQUIRE(directory.read("audit.jsonl") == whole);
  }
}

TEST_CASE("A log that was meddled with is found out, and still written on", "[audit]") {
  const Directory directory;
  {
    auto log = AuditLog::open(directory.path, {});
    REQUIRE(log);
    for (const auto* text : {"one", "two", "three"}) append(*log, text);
  }
  auto text = directory.read("audit.jsonl");
  text.replace(text.find("two"), 3, "TWO");
  directory.write(text);
  auto log = AuditLog::open(directory.path, {});
  REQUIRE(log);
  REQUIRE(log->found_broken());
  CHECK(log->found_broken()->contains("line 3"));
  append(*log, "four");
}

TEST_CASE("A full file is put away, and the chain leads through both", "[audit]") {
  const Directory directory;
  auto log = AuditLog::open(directory.path, {.audit_file_bytes = 600});
  REQUIRE(log);
  for (int i = 0; i < 5; ++i) append(*log, "number " + std::to_string(i));
  control::AuditChain chain;
  for (const auto* part : {"audit.1.jsonl", "audit.jsonl"}) {
    std::ifstream file{directory.path / part};
    REQUIRE(file);
    for (std::string line; std::getline(file, line);) REQUIRE(chain.add(line));
  }
  CHECK(chain.lines() == 5);
  CHECK(chain.head() == log->head());
}

TEST_CASE("As many files are kept as the configuration says, also when it says fewer than before", "[audit]") {
  const Directory directory;
  const auto files = [&] {
    std::string names;
    for (unsigned age = 0; age < control::audit_files_max; ++age)
      if (std::filesystem::exists(control::audit_path(directory.path, age))) names += control::audit_file(age) + " ";
    return names;
  };
  const auto write = [&](unsigned audit_files, int lines) {
    auto log = AuditLog::open(directory.path, {.audit_file_bytes = 1, .audit_files = audit_files});
    REQUIRE(log);
    for (int i = 0; i < lines; ++i) append(*log, "one");
  };
  write(4, 3);
  CHECK(files() == "audit.jsonl audit.1.jsonl audit.2.jsonl ");
  write(4, 3);
  CHECK(files() == "audit.jsonl audit.1.jsonl audit.2.jsonl audit.3.jsonl ");
  control::AuditChain chain;
  for (unsigned age = 4; age-- > 0;) {
    std::ifstream file{control::audit_path(directory.path, age)};
    for (std::string line; std::getline(file, line);) REQUIRE(chain.add(line));
  }
  CHECK(chain.newest() == 6);
  CHECK(chain.lines() == 4);
  write(2, 1);
  CHECK(files() == "audit.jsonl audit.1.jsonl ");
}

TEST_CASE("Where the log cannot be written, the message names the file and the remedy", "[audit]") {
  const auto log = AuditLog::open("/nonexistent", {});
  REQUIRE_FALSE(log);
  CHECK(log.error().message.contains("/nonexistent/audit.jsonl"));
  CHECK(log.error().message.contains("box.state_directory"));
}

}  // namespace
}  // namespace cloister::box
