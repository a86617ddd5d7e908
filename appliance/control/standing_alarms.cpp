#include "appliance/control/standing_alarms.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <optional>
#include <utility>

namespace cloister::control {
namespace {

constexpr std::size_t endings_max = 5;

struct StateAlarm {
  std::string_view code;
  std::array<std::string_view, endings_max> endings;  // the rest is empty
};

constexpr std::string_view started = "STARTED";
constexpr std::string_view link_closed = "LINK_CLOSED";
constexpr std::string_view tunnel_removed = "TUNNEL_REMOVED";

/// Sorted by code. What is not here stands until it is acknowledged.
constexpr auto state_alarms = std::to_array<StateAlarm>({
    {"AGREEMENT_DIFFERS", {"BOOTSTRAP_DONE", "SESSION_RESUMED", link_closed, started}},
    {"AUDIT_LOST", {started}},
    {"AUTHENTICATION_LOWERED", {"AUTHENTICATION_RAISED", "BOOTSTRAP_DONE", link_closed, started}},
    {"BOOTSTRAP_REFUSED", {"BOOTSTRAP_DONE", "SESSION_RESUMED", link_closed, started}},
    {"BOOTSTRAP_WAITS", {"BOOTSTRAP_ALLOWED", "BOOTSTRAP_DONE", "SESSION_RESUMED", link_closed, started}},
    {"DEVICE_LOST", {"DEVICE_FOUND", link_closed, started}},
    {"DEVICE_SUSPECT", {"DEVICE_TRUSTED", "KEY_AGAIN", link_closed, started}},
    {"EPSILON_LOW", {link_closed, started}},
    {"EPSILON_NOT_KEPT", {link_closed, started}},
    {"EPSILON_SPENT", {link_closed, started}},
    {"KEYS_LOW", {"KEYS_ENOUGH", tunnel_removed, started}},
    {"KEYS_NOT_GIVEN", {"KEY_AGAIN", link_closed, started}},
    {"LIGHT_LOST", {"LIGHT_FOUND", link_closed, started}},
    {"LINK_NOT_OPENED", {"LINK_OPENED", link_closed, started}},
    {"NO_SECRET_KEY", {"KEY_AGAIN", link_closed, started}},
    {"PEER_SILENT", {"BOOTSTRAP_DONE", "SESSION_RESUMED", link_closed, started}},
    {"PEER_UNREACHABLE", {"BOOTSTRAP_DONE", "SESSION_RESUMED", link_closed, started}},
    {"QBER_HIGH", {"KEY_AGAIN", link_closed, started}},
    {"QBER_NEAR_LIMIT", {"QBER_USUAL", link_closed, started}},
    {"RECONCILIATION_FAILED", {"KEY_AGAIN", link_closed, started}},
    {"RELOAD_REFUSED", {"RELOADED", started}},
    {"RESERVE_EMPTY", {"BOOTSTRAP_DONE", link_closed, started}},
    {"SEALED_RESERVE_SPENT", {"SEALED_RESERVE_READY", link_closed, started}},
    {"SEALED_RESERVE_UNAVAILABLE", {"SEALED_RESERVE_READY", link_closed, started}},
    {"SECRETS_CLOSED", {started}},
    {"SELF_TEST_FAILED", {started}},
    {"TPM_SLOW", {"BOOTSTRAP_DONE", "SESSION_RESUMED", link_closed, started}},
    {"TRUST_UNREADABLE", {link_closed, started}},
    {"TUNNEL_BLOCKED", {"TUNNEL_UP", tunnel_removed, started}},
    {"TUNNEL_DIFFERS", {"TUNNEL_ALIKE", tunnel_removed, started}},
    {"TUNNEL_EXTENDED", {"TUNNEL_STOPGAP_ENDED", tunnel_removed, started}},
    {"TUNNEL_RATE_MISSED", {"TUNNEL_RATE_KEPT", tunnel_removed, started}},
    {"TUNNEL_REKEY_LATE", {"TUNNEL_REKEYED", "TUNNEL_UP", tunnel_removed, started}},
    {"TUNNEL_WITHOUT_QKD", {"TUNNEL_STOPGAP_ENDED", tunnel_removed, started}},
    {"TUN_LOST", {"TUN_FOUND", tunnel_removed, started}},
    {"VERIFICATION_FAILED", {"KEY_AGAIN", link_closed, started}},
    {"ZEROIZED", {started}},
});
static_assert(std::ranges::is_sorted(state_alarms, {}, &StateAlarm::code));

constexpr std::string_view by_user = ", by user ";

/// What `acknowledgement` has written.
std::optional<std::pair<std::string_view, std::uint64_t>> read_acknowledgement(std::string_view text) {
  const auto at = text.find(by_user);
  if (at == std::string_view::npos) return std::nullopt;
  const auto digits = text.substr(at + by_user.size());
  std::uint64_t user = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), user);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return std::pair{text.substr(0, at), user};
}

}  // namespace

std::string acknowledgement(std::string_view code, std::uint64_t user) {
  return std::format("{}{}{}", code, by_user, user);
}

std::span<const std::string_view> endings_of(std::string_view alarm) {
  const auto* const found = std::ranges::lower_bound(state_alarms, alarm, {}, &StateAlarm::code);
  if (found == state_alarms.end() || found->code != alarm) return {};
  return std::span{found->endings.begin(), std::ranges::find(found->endings, std::string_view{})};
}

std::string end_of(std::string_view alarm) {
  const auto endings = endings_of(alarm);
  if (endings.empty()) return "it is acknowledged";
  std::string out;
  for (const auto& ending : endings) out += (out.empty() ? "" : ", ") + std::string{ending};
  return out;
}

std::vector<Alarm>::iterator StandingAlarms::find(std::string_view code, std::string_view subject) {
  return std::ranges::find_if(alarms_,
                              [&](const Alarm& alarm) { return alarm.code == code && alarm.subject == subject; });
}

StandingAlarms StandingAlarms::after(std::span<const AuditEntry> history) {
  StandingAlarms standing;
  for (const auto& entry : history) {
    standing.on_event({entry.code, entry.subject, entry.text, entry.time, entry.times}, entry.severity == "alarm");
    if (entry.code != acknowledged_code) continue;
    if (const auto read = read_acknowledgement(entry.text))
      static_cast<void>(standing.acknowledge(read->first, entry.subject, read->second));
  }
  std::erase_if(standing.alarms_, [](const Alarm& alarm) { return !endings_of(alarm.code).empty(); });
  return standing;
}

void StandingAlarms::on_event(const Occurrence& event, bool alarm) {
  if (!alarm) {
    std::erase_if(alarms_, [&](const Alarm& standing) {
      return standing.subject == event.subject && std::ranges::contains(endings_of(standing.code), event.code);
    });
    return;
  }
  const auto known = find(event.code, event.subject);
  if (known == alarms_.end()) {
    alarms_.push_back({event.code, event.subject, event.text, event.time, event.times, std::nullopt, false});
    return;
  }
  known->text = event.text;
  known->times = std::max(known->times + 1, event.times);
}

bool StandingAlarms::acknowledge(std::string_view code, std::string_view subject, std::uint64_t user) {
  const auto known = find(code, subject);
  if (known == alarms_.end()) return false;
  if (endings_of(code).empty())
    alarms_.erase(known);
  else
    known->acknowledged_by = user;
  return true;
}

}  // namespace cloister::control
