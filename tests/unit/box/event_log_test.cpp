// The event log: what repeats itself is one event that counts, what differs is another.
#include <catch2/catch_test_macros.hpp>

#include "appliance/box/event_log.hpp"

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

}  // namespace
}  // namespace cloister::box
