// The event log: what repeats itself is one event that counts, what differs is another.
#include <catch2/catch_test_macros.hpp>
#include <iostream>
#include <sstream>

#include "appliance/box/event_log.hpp"
#include "appliance/control/event_kinds.hpp"
#include "config/read_operation.hpp"

namespace cloister::box {
namespace {

TEST_CASE("A refusal at each try is one event that counts", "[box]") {
  EventLog log;
  for (int i = 0; i < 10; ++i) log.alarm("BOOTSTRAP_REFUSED", "link 'line'", "another PSK");
  REQUIRE(log.newest().size() == 1);
  CHECK(log.newest()[0].times == 10);
  CHECK(log.newest()[0].number == 1);
}

TEST_CASE("Another subject's events lie between repetitions, its own end them", "[box]") {
  EventLog log;
  log.alarm("PEER_SILENT", "link 'a'", "silent");
  log.info("TUNNEL_UP", "tunnel 'b'", "up");
  log.alarm("PEER_SILENT", "link 'a'", "silent");
  REQUIRE(log.newest().size() == 2);
  CHECK(log.newest()[0].times == 2);
  log.info("BOOTSTRAP_DONE", "link 'a'", "done");
  log.alarm("PEER_SILENT", "link 'a'", "silent");
  CHECK(log.newest().size() == 4);
}

TEST_CASE("Of many different events the newest are kept", "[box]") {
  EventLog log;
  for (int i = 0; i < 70; ++i) log.info("BLOCK_BURNT", "link 'a'", std::to_string(i));
  REQUIRE(log.newest().size() == EventLog::kept_max);
  CHECK(log.newest().back().text == "69");
  CHECK(log.newest().back().number == 70);
}

/// What stands on standard error, without the times.
std::string told(const config::Alarms& alarms, const config::Logging& logging) {
  std::ostringstream out;
  auto* const before = std::cerr.rdbuf(out.rdbuf());
  EventLog log;
  log.follow(alarms, logging);
  log.alarm("QBER_HIGH", "l", "high");
  log.alarm("PEER_SILENT", "l", "silent");
  log.info("STARTED", "b", "runs");
  std::cerr.rdbuf(before);
  CHECK(log.newest().size() == 3);
  CHECK(log.standing().size() == 2);
  std::string lines;
  std::istringstream in{out.str()};
  for (std::string line; std::getline(in, line);) lines += line.substr(line.find(']') + 2) + "\n";
  return lines;
}

TEST_CASE("An ignored alarm is no warning, but stands; the level leaves out what is none", "[box]") {
  CHECK(told({}, {}) == "ALARM l: high (QBER_HIGH)\nALARM l: silent (PEER_SILENT)\nb: runs (STARTED)\n");
  CHECK(told({.ignore = {"PEER_SILENT"}}, {}) ==
        "ALARM l: high (QBER_HIGH)\nl: silent (PEER_SILENT)\nb: runs (STARTED)\n");
  CHECK(told({}, {.alarms_only = true}) == "ALARM l: high (QBER_HIGH)\nALARM l: silent (PEER_SILENT)\n");
  CHECK(told({.ignore = {"PEER_SILENT"}}, {.alarms_only = true}) == "ALARM l: high (QBER_HIGH)\n");
}

TEST_CASE("An alarm that stands is marked as ignored, and no more once it is not", "[box]") {
  EventLog log;
  log.follow({.ignore = {"PEER_SILENT"}}, {});
  log.alarm("QBER_HIGH", "l", "high");
  log.alarm("PEER_SILENT", "l", "silent");
  REQUIRE(log.standing().size() == 2);
  CHECK_FALSE(log.standing()[0].ignored);
  CHECK(log.standing()[1].ignored);
  log.follow({}, {});
  CHECK_FALSE(log.standing()[1].ignored);
}

TEST_CASE("What may be ignored is an alarm of the list that ends by itself", "[box]") {
  for (const auto code : config::alarms_to_ignore()) {
    INFO(code);
    const auto* const kind = control::find_event_kind(code);
    REQUIRE(kind != nullptr);
    CHECK(kind->alarm);
    CHECK_FALSE(control::endings_of(code).empty());
  }
}

}  // namespace
}  // namespace cloister::box
