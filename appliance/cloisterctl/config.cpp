#include "appliance/cloisterctl/config.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <expected>
#include <format>
#include <iostream>
#include <iterator>
#include <memory>
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

struct ConfigOptions {
  std::string file = "/etc/cloister/cloister.yaml";
  std::string other = "/etc/cloister/cloister.yaml";
  std::optional<std::uint64_t> lockable_mib;  // what the service may lock; none: what this machine's unit says
  bool man = false;
  bool json = false;
};

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

/// Says what is wrong in a file, each with its place; exit status 1 then.
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

/// The file with every default written out and marked.
int config_show(const std::string& file, bool json) {
  const auto settings = config::load_settings(file);
  if (!settings) {
    print_diagnostics(settings.error());
    return 1;
  }
  std::cout << (json ? json::serialize(to_json(*settings)) + "\n" : config::to_yaml(*settings));
  return 0;
}

/// What is in force by one file and not by the other; exit status 0 when nothing, 1 when something, 2 for a file that is
/// wrong, as diff(1).
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

/// Every key of the file: as Markdown, as the manual page cloister.yaml(5), or for programs.
int config_reference(bool man, bool json) {
  const auto settings = config::all_settings();
  if (json)
    print_json(config_keys(settings));
  else
    std::cout << (man ? config_man_page(settings) : config_reference_page(settings));
  return 0;
}

}  // namespace

void offer_config(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<ConfigOptions>();
  auto* config = app.add_subcommand("config", "Look at configuration files; works without the service");
  config->require_subcommand(1);
  auto* check = config->add_subcommand("check", "Say what is wrong in a file, with line and column");
  auto* show = config->add_subcommand("show", "Show the file with every default written out and marked");
  for (auto* command : {check, show})
    command->add_option("file", options->file, "Configuration file")->capture_default_str();
  check->add_option("--lockable", options->lockable_mib,
                    "Memory that the service may lock, in MiB, for another machine than this (default: as "
                    "cloister.service says here, with its drop-ins, or as it is delivered)");
  auto* diff = config->add_subcommand("diff", "Show what two files change in effect; exit status as of diff(1)");
  diff->add_option("before", options->file, "Configuration file")->required();
  diff->add_option("after", options->other, "The other one")->capture_default_str();
  auto* schema = config->add_subcommand("schema", "Print a JSON Schema of the file, for editors");
  auto* reference = config->add_subcommand("reference", "Print every key of the file with its meaning, as a page");
  reference->add_flag("--man", options->man, "As the manual page cloister.yaml(5)");
  for (auto* command : {check, show, diff, reference}) command->add_flag("--json", options->json, "For programs");
  schema->add_flag("--json", options->json, "Changes nothing: a schema is JSON");
  invocation.on(check, [options] { return config_check(options->file, options->lockable_mib, options->json); });
  invocation.on(show, [options] { return config_show(options->file, options->json); });
  invocation.on(diff, [options] { return config_diff(options->file, options->other, options->json); });
  invocation.on(schema, [] { return config_schema(); });
  invocation.on(reference, [options] { return config_reference(options->man, options->json); });
}

}  // namespace cloister::cloisterctl
