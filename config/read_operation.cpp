#include "config/read_operation.hpp"

#include <algorithm>
#include <array>
#include <expected>
#include <format>

#include "config/nearest.hpp"

namespace cloister::config {
namespace {

constexpr auto of_operation = std::to_array<std::string_view>(
    {"DEVICE_LOST", "EPSILON_LOW", "KEYS_LOW", "LIGHT_LOST", "PEER_SILENT", "PEER_UNREACHABLE", "QBER_NEAR_LIMIT",
     "SEALED_RESERVE_SPENT", "TUNNEL_BLOCKED", "TUNNEL_REKEY_LATE"});
static_assert(std::ranges::is_sorted(of_operation));

std::expected<std::string, std::string> parse_ignored(const std::string& code) {
  if (std::ranges::contains(of_operation, code)) return code;
  const std::vector<std::string> all(of_operation.begin(), of_operation.end());
  if (const auto meant = nearest(code, all)) return std::unexpected{std::format("did you mean '{}'?", *meant)};
  std::string expected;
  for (const auto& known : all) expected += (expected.empty() ? "" : ", ") + known;
  return std::unexpected{
      std::format("'{}' cannot be ignored: another alarm may tell of an attack, or of what this box cannot rely on any "
                  "more; expected some of {}",
                  code, expected)};
}

}  // namespace

std::span<const std::string_view> alarms_to_ignore() { return of_operation; }

Alarms read_alarms(Section section, const std::vector<Tunnel>& tunnels) {
  Alarms alarms;
  section.read("keys_left_below", alarms.keys_left_below,
               within(a_duration(), milliseconds{0}, milliseconds{24 * 3'600'000}));
  if (section.has("keys_left_below")) {
    for (const auto& tunnel : tunnels) {
      if (tunnel.cipher == Cipher::one_time_pad) continue;  // how long it lasts its traffic says
      if (tunnel.stock * tunnel.rekey_interval >= 2 * alarms.keys_left_below) continue;
      section.error(
          "keys_left_below",
          std::format("tunnel '{}' can never be well above it: its full stock lasts {} s, expected twice this "
                      "limit; lower the limit, or raise the tunnel's 'stock'",
                      tunnel.name,
                      std::chrono::floor<std::chrono::seconds>(tunnel.stock * tunnel.rekey_interval).count()));
    }
  }
  section.read("qber_above", alarms.qber_above, within(a_fraction(), 0.1, 1.0));
  section.read("light_below", alarms.light_below, within(a_fraction(), 0.01, 0.9));
  section.read("after", alarms.after, within(a_duration(), milliseconds{0}, milliseconds{600'000}));
  section.read_list("ignore", alarms.ignore, parse_ignored, [](const std::string& code) { return code; },
                    {.expected = "the code of an alarm of operation"});
  section.finish();
  return alarms;
}

Logging read_logging(Section section) {
  Logging logging;
  section.read("level", logging.alarms_only,
               one_of<bool>({{"info", false}, {"alarm", true}},
                            "a level: expected 'info' (every event) or 'alarm' (alarms that are not ignored)"));
  section.read("audit_file_size", logging.audit_file_bytes,
               within(a_size(), std::uint64_t{64} << 10U, std::uint64_t{1} << 30U));
  section.read("audit_files", logging.audit_files,
               within(a_whole<unsigned>("a number of files: expected a whole number"), 2U, 32U));
  section.finish();
  return logging;
}

}  // namespace cloister::config
