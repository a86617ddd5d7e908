// Which alarms stand: they follow from the events, over restarts too.
#include "appliance/control/standing_alarms.hpp"

#include <catch2/catch_test_macros.hpp>

#include "appliance/control/event_kinds.hpp"

namespace cloister::control {
namespace {

const std::string link = "link 'line'";

void raise(StandingAlarms& standing, const std::string& code, const std::string& subject = link) {
  standing.on_event({.code = code, .subject = subject, .text = "why", .time = "then"}, true);
}
void tell(StandingAlarms& standing, const std::string& code, const std::string& subject = link) {
  standing.on_event({.code = code, .subject = subject, .text = "good", .time = "later"}, false);
}
AuditEntry entry(const std::string& severity, const std::string& code, const std::string& text) {
  AuditEntry entry;
  entry.severity = severity;
  entry.code = code;
  entry.subject = link;
  entry.text = text;
  return entry;
}

TEST_CASE("An alarm of a state stands until an event of its own subject ends it, acknowledged or not", "[alarms]") {
  StandingAlarms standing;
  raise(standing, "LIGHT_LOST");
  raise(standing, "LIGHT_LOST");
  REQUIRE(standing.alarms().size() == 1);
  CHECK(standing.alarms()[0].times == 2);
  CHECK(standing.alarms()[0].since == "then");
  CHECK(standing.acknowledge("LIGHT_LOST", link, 1000));
  REQUIRE(standing.alarms().size() == 1);
  CHECK(standing.alarms()[0].acknowledged_by == 1000);
  tell(standing, "LIGHT_FOUND", "link 'other'");
  tell(standing, "KEY_AGAIN");
  CHECK(standing.alarms().size() == 1);
  tell(standing, "LIGHT_FOUND");
  CHECK(standing.alarms().empty());
}

TEST_CASE("What has happened stands until somebody acknowledges it, and stands anew when it happens again",
          "[alarms]") {
  StandingAlarms standing;
  raise(standing, "CHANNEL_TAMPERED");
  for (const auto& kind : event_kinds()) {
    if (!kind.alarm) tell(standing, std::string{kind.code});
  }
  CHECK(standing.alarms().size() == 1);
  CHECK_FALSE(standing.acknowledge("CHANNEL_TAMPERED", "link 'other'", 1000));
  CHECK(standing.acknowledge("CHANNEL_TAMPERED", link, 1000));
  CHECK(standing.alarms().empty());
  CHECK_FALSE(standing.acknowledge("CHANNEL_TAMPERED", link, 1000));
  raise(standing, "CHANNEL_TAMPERED");
  REQUIRE(standing.alarms().size() == 1);
  CHECK_FALSE(standing.alarms()[0].acknowledged_by);
}

TEST_CASE("After a restart stands what had happened and nobody has acknowledged", "[alarms]") {
  const std::vector<AuditEntry> history{
      entry("alarm", "CHANNEL_TAMPERED", "first"), entry("alarm", "RESERVE_ROLLED_BACK", "second"),
      entry("alarm", "LIGHT_LOST", "a state"), entry("info", acknowledged_code, acknowledgement("CHANNEL_TAMPERED", 7)),
      entry("info", acknowledged_code, "RESERVE_ROLLED_BACK, by user nobody")};
  const auto standing = StandingAlarms::after(history);
  REQUIRE(standing.alarms().size() == 1);
  CHECK(standing.alarms()[0].code == "RESERVE_ROLLED_BACK");
  CHECK(standing.alarms()[0].text == "second");
}

TEST_CASE("What ends an alarm is an event that is no alarm; each is listed", "[alarms]") {
  std::size_t states = 0;
  for (const auto& kind : event_kinds()) {
    INFO(kind.code);
    const auto endings = endings_of(kind.code);
    CHECK((kind.alarm || endings.empty()));
    states += endings.empty() ? 0U : 1U;
    for (const auto ending : endings) {
      const auto* known = find_event_kind(ending);
      REQUIRE(known != nullptr);
      CHECK_FALSE(known->alarm);
    }
  }
  CHECK(states > 10);
  CHECK(endings_of("NO_SUCH_ALARM").empty());
}

}  // namespace
}  // namespace cloister::control
