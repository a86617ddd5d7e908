#include "appliance/cloisterctl/config.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <expected>
#include <format>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/box/secret_memory.hpp"
#include "appliance/box/vouched.hpp"
#include "appliance/cloisterctl/config_reference.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/drivers/unit_limit.hpp"
#include "config/neighbours.hpp"
#include "config/notes.hpp"
#include "config/parse.hpp"
#include "config/schema.hpp"
#include "config/show.hpp"
#include "crypto/voucher_files.hpp"

namespace cloister::cloisterctl {
namespace {

namespace json = boost::json;

void print_diagnostics(const config::Diagnostics& diagnostics) {
  for (const auto& diagnostic : diagnostics) std::cerr << config::to_string(diagnostic) << '\n';
}

json::array to_json(const config::Diagnostics& diagnostics) {
  json::array all;
  for (const auto& diagnostic : diagnostics) {
    all.push_back({{"file", diagnostic.file},
                   {"line", diagnostic.line},
                   {"column", diagnostic.column},
                   {"path", diagnostic.path},
                   {"message", diagnostic.message}});
  }
  return all;
}

json::array to_json(const config::Settings& settings) {
  json::array all;
  for (const auto& setting : settings) {
    json::array values(setting.values.begin(), setting.values.end());
    all.push_back({{"path", setting.path},
                   {"value", setting.list ? json::value{values} : values.front()},
                   {"default", !setting.given}});
  }
  return all;
}

/// What is no mistake, but must be known.
std::vector<std::string> warnings_of(const std::expected<config::Whole, config::Diagnostics>& whole) {
  if (!whole) return {};
  auto warnings = config::notes_on(whole->configuration);
  std::ranges::move(box::voucher_notes(whole->configuration, crypto::today()), std::back_inserter(warnings));
  return warnings;
}

/// What the service that reads the file may lock: as its operator says, as the unit of this machine says, or as the unit
/// says that is delivered, for there is none where a file is only written.
std::uint64_t lockable_for(std::optional<std::uint64_t> told) {
  if (told) return *told;
  return drivers::lockable_bytes_of_unit("cloister.service").value_or(box::unit_locked_bytes);
}

/// And what is wrong with the files of others that it rests on, and with what it asks of the machine.
std::expected<config::Whole, config::Diagnostics> load_checked(const std::string& file,
                                                               std::optional<std::uint64_t> lockable) {
  auto whole = config::load_whole(file);
  if (!whole) return whole;
  auto problems = box::voucher_problems(*whole);
  if (auto too_little = box::too_little_for(whole->configuration, lockable_for(lockable)))
    problems.push_back({.file = file, .path = {}, .message = std::move(*too_little), .source_line = {}});
  if (!problems.empty()) return std::unexpected{std::move(problems)};
  return whole;
}

std::uint64_t locked_bytes_of(const config::Whole& whole) {
  return box::secret_bytes_needed(whole.configuration) + box::ring_bytes_needed(whole.configuration);
}

}  // namespace

int config_check(const std::string& file, std::optional<std::uint64_t> lockable_mib, bool json) {
  const auto whole = load_checked(file, lockable_mib.transform([](auto mib) { return mib * box::mebibyte; }));
  const auto neighbours = config::neighbours_of(file).value_or(config::Neighbours{});
  if (json) {
    json::array files{json::string{file}};
    for (const auto& taken : neighbours.taken) files.emplace_back(taken);
    json::array ignored;
    for (const auto& [name, reason] : neighbours.ignored) ignored.push_back({{"file", name}, {"reason", reason}});
    json::array warnings;
    for (const auto& warning : warnings_of(whole)) warnings.emplace_back(warning);
    std::cout << json::serialize(json::object{{"ok", whole.has_value()},
                                              {"files", files},
                                              {"ignored", ignored},
                                              {"locked_bytes", whole ? json::value{locked_bytes_of(*whole)} : nullptr},
                                              {"errors", whole ? json::array{} : to_json(whole.error())},
                                              {"warnings", warnings}})
              << '\n';
    return whole ? 0 : 1;
  }
  for (const auto& [name, reason] : neighbours.ignored) std::cerr << name << ": " << reason << ", ignoring\n";
  if (whole) {
    std::cout << file;
    for (const auto& taken : neighbours.taken) std::cout << ", " << taken;
    std::cout << std::format(": nothing is wrong; the service locks {} MiB of memory at most\n",
                             locked_bytes_of(*whole) / box::mebibyte);
    for (const auto& warning : warnings_of(whole)) std::cerr << file << ": " << warning << '\n';
  } else {
    print_diagnostics(whole.error());
  }
  return whole ? 0 : 1;
}

int config_show(const std::string& file, bool json) {
  const auto settings = config::load_settings(file);
  if (!settings) {
    print_diagnostics(settings.error());
    return 1;
  }
  std::cout << (json ? json::serialize(to_json(*settings)) + "\n" : config::to_yaml(*settings));
  return 0;
}

int config_diff(const std::string& before, const std::string& after, bool json) {
  const auto one = config::load_settings(before);
  const auto other = config::load_settings(after);
  for (const auto* settings : {&one, &other}) {
    if (!*settings) print_diagnostics(settings->error());
  }
  if (!one || !other) return 2;
  const auto found = config::differences(*one, *other);
  json::array all;
  for (const auto& [path, old, now] : found) {
    all.push_back({{"path", path}, {"before", old}, {"after", now}});
    if (json) continue;
    if (!old.empty()) std::cout << "- " << path << ": " << old << '\n';
    if (!now.empty()) std::cout << "+ " << path << ": " << now << '\n';
  }
  if (json) std::cout << json::serialize(all) << '\n';
  return found.empty() ? 0 : 1;
}

int config_schema() {
  std::cout << config::json_schema(config::all_settings()) << '\n';
  return 0;
}

int config_reference(bool man, bool json) {
  const auto settings = config::all_settings();
  if (json)
    print_json(config_keys(settings));
  else
    std::cout << (man ? config_man_page(settings) : config_reference_page(settings));
  return 0;
}

}  // namespace cloister::cloisterctl
