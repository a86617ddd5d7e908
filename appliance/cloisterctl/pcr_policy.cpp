#include "appliance/cloisterctl/pcr_policy.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <format>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/box/audit_log.hpp"
#include "appliance/cloisterctl/agreed.hpp"
#include "appliance/cloisterctl/audited.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/pcr_table.hpp"
#include "appliance/cloisterctl/tpm_options.hpp"
#include "appliance/control/client.hpp"
#include "config/parse.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct PcrPolicyOptions {
  std::string configuration = "/etc/cloister/cloister.yaml";  // its 'tpm' names the TPM, the PCRs and the files
  std::string key;                                            // path of the private policy key
  std::vector<std::string> values;                            // of PCRs, as "7=HEX"; none: those that the TPM has now
  std::string file;                                           // of signed policies
  std::string output;                                         // where what is made of them goes
  std::int64_t generation = 0;                                // of the state; 0: none
  bool yes = false;                                           // do not ask
  bool json = false;
};

using Policies = std::vector<crypto::SignedPcrPolicy>;

constexpr unsigned readable_by_all = 0644;  // nothing in it is secret

Result<crypto::TpmSettings> bound_settings(const std::string& configuration) {
  auto settings = tpm_of(configuration);
  if (settings && !settings->binding.bound())
    return fail(std::format("'{}' binds sealed objects to no PCR: set 'tpm.pcrs' and 'tpm.policy_key'", configuration));
  return settings;
}

Result<Policies> read_policies(const std::string& path) {
  return crypto::parsed_file(path, crypto::pcr_signatures_bytes_max, crypto::parse_pcr_signatures);
}

template <class Parse>
Result<crypto::PolicyKey> read_key(const std::string& path, Parse parse) {
  return crypto::parsed_file(path, crypto::public_key_text_bytes_max, parse);
}

Result<crypto::PcrValues> values_now(const crypto::TpmSettings& settings) {
  auto tpm = crypto::Tpm::open(settings);
  if (!tpm) return std::unexpected{tpm.error()};
  return tpm->read_pcrs(settings.binding.pcrs);
}

Result<> put(const std::string& path, const Policies& policies) {
  const auto text = crypto::to_json(policies);
  return crypto::put_file(path, std::as_bytes(std::span{text}), readable_by_all);
}

/// Whether the configured key has signed this state, in the file that the box reads.
bool is_signed(const crypto::PcrBinding& binding, const crypto::PcrValues& values) {
  const auto key = read_key(binding.policy_key, crypto::PolicyKey::parse_public);
  const auto policies = read_policies(binding.signatures);
  return key && policies && std::ranges::any_of(*policies, [&](const crypto::SignedPcrPolicy& one) {
           return one.pcrs == binding.pcrs && one.generation.has_value() == binding.generations &&
                  one.policy == crypto::pcr_policy(values, one.generation) && key->verifies(one);
         });
}

/// A second number for a state would make an older image a newer one.
Result<> numbered_once(const Policies& policies, const crypto::PolicyKey& key, const crypto::PcrValues& values,
                       const std::string& file) {
  std::optional<std::uint64_t> number;
  for (const auto& one : policies) {
    if (!one.generation || one.key != key.fingerprint() || one.policy != crypto::pcr_policy(values, one.generation))
      continue;
    if (number && *number != *one.generation)
      return fail(
          std::format("'{}' would have one state of the PCRs with the generations {} and {}, and an older image would "
                      "pass for a newer one; nothing was changed: sign to a new file, and take PCRs that differ from "
                      "image to image (4 or 11)",
                      file, *number, *one.generation));
    number = one.generation;
  }
  return {};
}

Result<crypto::Tpm::Generations> generations_now(const crypto::TpmSettings& settings) {
  auto tpm = crypto::Tpm::open(settings);
  if (!tpm) return std::unexpected{tpm.error()};
  return tpm->generations();
}

/// What the PCRs are now, and whether that is signed.
Result<> pcr_policy_show(const PcrPolicyOptions& options) {
  const auto settings = bound_settings(options.configuration);
  if (!settings) return std::unexpected{settings.error()};
  const auto values = values_now(*settings);
  if (!values) return std::unexpected{values.error()};
  const auto policy = crypto::pcr_policy(*values);
  const bool good = is_signed(settings->binding, *values);
  std::optional<crypto::Tpm::Generations> generations;
  if (good && settings->binding.generations) {
    const auto found = generations_now(*settings);
    if (!found) return std::unexpected{found.error()};
    generations = *found;
  }
  const bool opens = good && !(generations && generations->retired());
  if (options.json) {
    json::array pcrs;
    for (const auto& [pcr, value] : *values)
      pcrs.push_back(json::object{{"pcr", pcr}, {"sha256", crypto::pcr_digest_hex(value)}});
    std::cout << json::serialize(json::object{
                     {"pcrs", std::move(pcrs)},
                     {"policy", crypto::pcr_digest_hex(policy)},
                     {"signed", good},
                     {"opens", opens},
                     {"generation", generations ? json::value(generations->running) : json::value{}},
                     {"oldest_generation", generations ? json::value(generations->counted) : json::value{}}})
              << '\n';
    return {};
  }
  std::cout << pcr_table(*values)
            << (opens  ? "this state is signed: what is sealed opens\n"
                : good ? "this state is signed, but was retired: what is sealed does not open: start the newer image\n"
                       : "this state is not signed: what is sealed does not open ('cloisterctl pcr-policy sign')\n");
  if (generations)
    std::cout << std::format("it is of generation {}; nothing opens below {}\n", generations->running,
                             generations->counted);
  return {};
}

/// Adds a signature to the file, which is made where there is none.
Result<> pcr_policy_sign(const PcrPolicyOptions& options) {
  const auto key = read_key(options.key, crypto::PolicyKey::parse_private);
  if (!key) return std::unexpected{key.error()};
  auto values = crypto::parse_pcr_values(options.values);
  if (values && values->empty()) {
    const auto settings = bound_settings(options.configuration);
    if (!settings) return std::unexpected{settings.error()};
    values = values_now(*settings);
  }
  if (!values) return std::unexpected{values.error()};
  std::error_code unseen;  // whoever may not look gets to know it when the file is written
  auto policies = std::filesystem::exists(options.file, unseen) ? read_policies(options.file) : Result<Policies>{};
  if (!policies) return std::unexpected{policies.error()};
  const std::optional<std::uint64_t> generation =
      options.generation == 0 ? std::nullopt : std::optional{static_cast<std::uint64_t>(options.generation)};
  policies->push_back(key->sign(*values, generation));
  if (auto numbered = numbered_once(*policies, *key, *values, options.file); !numbered) return numbered;
  if (auto written = put(options.file, *policies); !written) return written;
  if (options.json)
    std::cout << json::serialize(json::object{{"file", options.file}, {"policies", policies->size()}}) << '\n';
  else
    std::cerr << std::format("signed in '{}', which has {} now; 'cloisterctl pcr-policy install' on the box is next\n",
                             options.file,
                             policies->size() == 1 ? "1 policy" : std::format("{} policies", policies->size()));
  return {};
}

/// Writes the policies of a file to another, each with one of this generation beside it.
Result<> pcr_policy_number(const PcrPolicyOptions& options) {
  const auto key = read_key(options.key, crypto::PolicyKey::parse_private);
  if (!key) return std::unexpected{key.error()};
  auto policies = read_policies(options.file);
  if (!policies) return std::unexpected{policies.error()};
  const auto plain = policies->size();
  for (std::size_t i = 0; i < plain; ++i) {
    auto numbered = key->number((*policies)[i], static_cast<std::uint64_t>(options.generation));
    if (!numbered) return fail(std::format("a policy of '{}' {}", options.file, numbered.error().message));
    policies->push_back(std::move(*numbered));
  }
  if (auto written = put(options.output, *policies); !written) return written;
  if (options.json)
    std::cout << json::serialize(json::object{{"file", options.output}, {"policies", policies->size()}}) << '\n';
  return {};
}

/// Checks the file and puts it where the configuration says.
Result<> pcr_policy_install(const PcrPolicyOptions& options) {
  const auto settings = bound_settings(options.configuration);
  if (!settings) return std::unexpected{settings.error()};
  const auto& binding = settings->binding;
  const auto policies = read_policies(options.file);
  if (!policies) return std::unexpected{policies.error()};
  const auto key = read_key(binding.policy_key, crypto::PolicyKey::parse_public);
  if (!key) return std::unexpected{key.error()};
  const auto ours = std::ranges::count_if(*policies, [&](const crypto::SignedPcrPolicy& policy) {
    return policy.pcrs == binding.pcrs && policy.key == key->fingerprint() && key->verifies(policy);
  });
  if (ours == 0)
    return fail(
        std::format("'{}' has no policy for the PCRs of 'tpm.pcrs' that the key '{}' has signed: nothing was "
                    "changed",
                    options.file, binding.policy_key));
  if (binding.generations) {
    // A digest does not say of which values it is: of those that the machine has now it can be told.
    const auto values = values_now(*settings);
    if (!values) return std::unexpected{values.error()};
    if (auto numbered = numbered_once(*policies, *key, *values, options.file); !numbered) return numbered;
  }
  if (auto written = put(binding.signatures, *policies); !written) return written;
  if (options.json)
    std::cout << json::serialize(json::object{{"file", binding.signatures}, {"policies", ours}}) << '\n';
  else
    std::cerr << std::format("installed in '{}'; a box that is closed opens when its service is restarted\n",
                             binding.signatures);
  return {};
}

/// By the service where it runs, as it alone writes its audit log then.
Result<> note_retired(const std::string& path, std::uint64_t generation) {
  const auto configuration = config::load(path);
  if (!configuration) return fail(config::to_string(configuration.error().front()));
  const auto& box = configuration->box;
  if (control::service_absent(box.control_socket)) {
    audit(*configuration, {.severity = "info",
                           .code = "IMAGES_RETIRED",
                           .subject = std::format("box '{}'", box.name),
                           .text = box::images_retired_text(generation, ::getuid())});
    return {};
  }
  const auto noted =
      control::tell(box.control_socket,
                    {.request = control::Request::images_retired, .name = std::to_string(generation), .subject = {}});
  if (!noted)
    return fail(std::format("nothing was retired, as it cannot be noted in the audit log: {}", noted.error().message));
  return {};
}

/// What runs is good: older states open nothing any more.
Result<> pcr_policy_retire(const PcrPolicyOptions& options) {
  const auto settings = bound_settings(options.configuration);
  if (!settings) return std::unexpected{settings.error()};
  auto tpm = crypto::Tpm::open(*settings);
  if (!tpm) return std::unexpected{tpm.error()};
  const auto before = tpm->generations();
  if (!before) return std::unexpected{before.error()};
  if (!options.yes) {
    const auto meant = agreed(
        {.command = "pcr-policy retire",
         .about = std::format("What runs is of generation {}. From now on what is sealed opens in no state below that: "
                              "not in that of the image before, for good.",
                              before->running),
         .word = "retire",
         .refused = "nothing was retired"});
    if (!meant) return meant;
  }
  // First, for who is cut short after it would see next time that nothing has moved, and note nothing.
  if (before->counted < before->running) {
    if (auto noted = note_retired(options.configuration, before->running); !noted) return noted;
  }
  const auto now = tpm->retire_older();
  if (!now) return std::unexpected{now.error()};
  if (options.json)
    std::cout << json::serialize(json::object{{"generation", now->running}, {"oldest_generation", now->counted}})
              << '\n';
  else
    std::cerr << std::format("generation {} runs; nothing opens below {} any more\n", now->running, now->counted);
  return {};
}

}  // namespace

void offer_pcr_policy(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<PcrPolicyOptions>();
  auto* pcr_policy = app.add_subcommand(
      "pcr-policy", "Which states of the machine may open what its TPM has sealed; works without the service");
  pcr_policy->require_subcommand(1);
  auto* show = pcr_policy->add_subcommand("show", "Show the PCRs of 'tpm.pcrs', and whether this state is signed");
  auto* sign = pcr_policy->add_subcommand("sign", "Sign this state, or one that --pcr describes, with the policy key");
  sign->add_option("--key", options->key, "Private policy key (PEM, RSA of 2048 bits)")->required();
  sign->add_option("--pcr", options->values,
                   "A PCR's value, as 11=HEX, again for each PCR; asks neither the TPM nor the configuration");
  sign->add_option("--output", options->file, "File of signed policies: this one is added to it")->required();
  auto* install = pcr_policy->add_subcommand("install", "Check signed policies and put them where the box reads them");
  install->add_option("file", options->file, "File of signed policies")->required();
  sign->add_option("--generation", options->generation,
                   "Of what starts in this state, a number that rises: opens while the TPM has counted no higher one, "
                   "where 'tpm.generations' is set")
      ->check(CLI::PositiveNumber);
  auto* number = pcr_policy->add_subcommand(
      "number", "Sign what systemd-measure has signed for a kernel image once more, as of a generation");
  number->add_option("file", options->file, "File of signed policies, without generations")->required();
  number->add_option("--key", options->key, "The private policy key that has signed them")->required();
  number->add_option("--generation", options->generation, "Of the image, a number that rises")
      ->required()
      ->check(CLI::PositiveNumber);
  number->add_option("--output", options->output, "File for both, those of the first file and the new ones")
      ->required();
  number->add_flag("--json", options->json, "For programs");
  auto* retire = pcr_policy->add_subcommand(
      "retire", "Say that what runs is good: what is sealed opens no more in a state of an older generation");
  retire->add_flag("--yes", options->yes, "Do not ask: for scripts");
  for (auto* command : {show, sign, install, retire}) {
    command->add_option("--config", options->configuration, "Configuration of the service")->capture_default_str();
    command->add_flag("--json", options->json, "For programs");
  }
  invocation.on(show, [options] { return ended(pcr_policy_show(*options)); });
  invocation.on_with_secrets(sign, [options] { return ended(pcr_policy_sign(*options)); });
  invocation.on_with_secrets(number, [options] { return ended(pcr_policy_number(*options)); });
  invocation.on(install, [options] { return ended(pcr_policy_install(*options)); });
  invocation.on(retire, [options] { return ended(pcr_policy_retire(*options)); });
}

}  // namespace cloister::cloisterctl
