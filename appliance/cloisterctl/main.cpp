/// cloisterctl: what an operator types. Its exit statuses are in exit_status.hpp; reasons are on standard error.

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <thread>

#include "appliance/cloisterctl/account.hpp"
#include "appliance/cloisterctl/alarms.hpp"
#include "appliance/cloisterctl/colours.hpp"
#include "appliance/cloisterctl/completion.hpp"
#include "appliance/cloisterctl/config.hpp"
#include "appliance/cloisterctl/enroll.hpp"
#include "appliance/cloisterctl/events.hpp"
#include "appliance/cloisterctl/exit_status.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/limits.hpp"
#include "appliance/cloisterctl/link_bootstrap.hpp"
#include "appliance/cloisterctl/link_plan.hpp"
#include "appliance/cloisterctl/links.hpp"
#include "appliance/cloisterctl/pcr_policy.hpp"
#include "appliance/cloisterctl/psk.hpp"
#include "appliance/cloisterctl/reload.hpp"
#include "appliance/cloisterctl/selftest.hpp"
#include "appliance/cloisterctl/status_view.hpp"
#include "appliance/cloisterctl/support_bundle.hpp"
#include "appliance/cloisterctl/tunnels.hpp"
#include "appliance/cloisterctl/voucher.hpp"
#include "appliance/cloisterctl/zeroize.hpp"
#include "appliance/control/client.hpp"
#include "appliance/control/protocol.hpp"
#include "crypto/crash.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

using namespace cloister;
using cloisterctl::ExitStatus;
using cloisterctl::failed;
using cloisterctl::number;

int show_status(const std::string& socket, bool json) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  std::cout << (json ? control::pretty_json(*status) : cloisterctl::render(*status, cloisterctl::colours_wanted()));
  return 0;
}

volatile std::sig_atomic_t interrupted = 0;

/// On a terminal one page that is redrawn; elsewhere the status again and again (one JSON object a line with --json).
int watch_status(const std::string& socket, double interval_seconds, unsigned count, bool json) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  for (unsigned shown = 0; interrupted == 0 && (count == 0 || shown < count); ++shown) {
    if (shown > 0) std::this_thread::sleep_for(std::chrono::duration<double>(interval_seconds));
    const auto status = control::fetch_status(socket);
    const bool may_come = status || status.error().kind != control::Failure::Kind::right_lacking;
    if (!may_come || (!status && !terminal)) return failed(status.error());
    if (terminal) std::cout << "\x1b[H\x1b[2J";
    if (!status)
      std::cout << status.error().message << '\n';
    else if (json)
      std::cout << control::json_line(*status);
    else
      std::cout << cloisterctl::render(*status, cloisterctl::colours_wanted()) << '\n';
    std::cout << std::flush;
  }
  return 0;
}

/// The status of a command, unless what it printed could not be written, as to a full disk.
int with_output_written(int status) {
  std::cout.flush();
  if (std::cout || status != number(ExitStatus::done)) return status;
  return failed("standard output cannot be written");
}

int run(int argc, char** argv) {
  CLI::App app{"Looks at and operates the Cloister service of this box.", "cloisterctl"};
  app.set_version_flag("--version", std::string{"cloisterctl "} + CLOISTER_VERSION);
  app.footer(cloisterctl::exit_status_table());
  app.require_subcommand(1);
  app.fallthrough();  // --socket also behind the command
  std::string socket = "/run/cloister/control.sock";
  app.add_option("--socket", socket, "Control socket of the service")->capture_default_str();
  bool json = false;

  std::vector<manual::Entry> exit_statuses;
  for (const auto& [status, meaning] : cloisterctl::exit_statuses)
    exit_statuses.push_back({std::to_string(number(status)), std::string{meaning}});
  const manual::Program program{
      .description =
          {"It asks the running service over its control socket; where a command says so, it works "
           "without the service. Members of the group 'cloister-view' may look, those of 'cloister-operate' may also "
           "rekey, acknowledge, test and zeroize; root and the service's own user may all, and have the right "
           "to the TPM that 'psk' and 'enroll' need.",
           "Where a command has --json, its output is for programs and its members are stable."},
      .exit_status = std::move(exit_statuses),
      .files = {{"/etc/cloister/cloister.yaml", "The configuration of the box."},
                {"/run/cloister/control.sock", "The control socket of the service."},
                {"/var/lib/cloister", "The state directory: sealed secrets, accounts of blocks, the audit log."}},
      .see_also = {"cloister.yaml(5)", "cloisterd(8)", "cloister-dashboard(8)", "cloister-fibre(1)"}};
  manual::offer(app, program);

  auto* status = app.add_subcommand("status", "Show the box: links, keys, tunnels, events");
  status->add_flag("--json", json, "For programs: the status as one JSON object");

  auto* watch = app.add_subcommand("watch", "Show the status again and again, until Ctrl-C");
  double interval_seconds = 1;
  unsigned count = 0;
  watch->add_option("--interval", interval_seconds, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  watch->add_option("--count", count, "Stop after so many looks (0: never)")->capture_default_str();
  watch->add_flag("--json", json, "One JSON object a line");

  auto* events = app.add_subcommand("events", "Show what happened, and what it means");
  events->require_subcommand(0, 1);
  cloisterctl::EventOptions event_options;
  events->add_flag("--alarms", event_options.alarms, "Only what calls for a person");
  events->add_flag("--follow,-f", event_options.follow, "Then show what comes, until Ctrl-C");
  events->add_flag("--json", event_options.json, "One JSON object a line");
  auto* explain =
      events->add_subcommand("explain", "Say what an event means and what to do; works without the service");
  cloisterctl::ExplainOptions explain_options;
  explain->add_option("code", explain_options.code, "As QBER_HIGH; none: list all");
  explain->add_flag("--json", explain_options.json, "For programs");
  explain->add_flag("--markdown", explain_options.markdown, "All events as a page");

  auto* alarm = app.add_subcommand("alarm", "Show the alarms that stand, or take note of them");
  alarm->require_subcommand(0, 1);
  cloisterctl::AlarmOptions alarm_options;
  auto* alarm_list =
      alarm->add_subcommand("list", "A line for each alarm that stands (as 'alarm' alone); exit status 5 if any does");
  auto* alarm_show = alarm->add_subcommand("show", "What an alarm that stands means and what to do");
  auto* acknowledge = alarm->add_subcommand(
      "acknowledge", "Take note of an alarm, in the audit log with your user number; for operators");
  alarm_show->add_option("code", alarm_options.code, "As QBER_HIGH; none: all that stand");
  acknowledge->add_option("code", alarm_options.code, "As QBER_HIGH");
  for (auto* command : {alarm_show, acknowledge})
    command->add_option("of", alarm_options.of, "Name of the link or tunnel (default: whichever has it)");
  acknowledge->add_flag("--all", alarm_options.all, "All alarms that stand");
  for (auto* command : {alarm, alarm_list, alarm_show, acknowledge})
    command->add_flag("--json", alarm_options.json, "For programs");

  auto* audit = app.add_subcommand("audit", "Look at the record of all events; works without the service");
  audit->require_subcommand(1);
  cloisterctl::AuditOptions audit_options;
  auto* audit_show = audit->add_subcommand("show", "Print the audit log");
  auto* audit_verify = audit->add_subcommand(
      "verify", "Check that no line was changed, put in or taken out of the middle; with --head, nor the newest ones");
  for (auto* command : {audit_show, audit_verify}) {
    command->add_option("files", audit_options.files, "Parts of a log, the oldest first (default: the directory's)");
    command->add_option("--directory", audit_options.directory, "The service's 'box.state_directory'")
        ->capture_default_str();
    command->add_flag("--json", audit_options.json, "For programs");
  }
  audit_verify->add_option("--head", audit_options.head,
                           "A head from the journal (field CLOISTER_AUDIT_HEAD) that the log must lead through");

  const char* const tpm_meaning = "TPM: device:FILE, swtpm:path=SOCKET or swtpm:host=ADDRESS,port=NUMBER";
  const char* const tpm_configuration_meaning =
      "Configuration whose 'tpm' says which TPM, and what PCRs the secret is bound to (in place of --tpm)";
  std::string tpm_configuration;
  auto* psk = app.add_subcommand("psk", "Make or take over a bootstrap PSK, sealed in the TPM");
  psk->require_subcommand(1);
  cloisterctl::PskOptions psk_options{.tpm = {"device:/dev/tpmrm0"}, .output = {}};
  auto* generate = psk->add_subcommand("generate", "Draw a PSK of 256 bits, seal it, show it once");
  auto* import = psk->add_subcommand(
      "import", "Read a PSK (64 hexadecimal digits, or two halves) from standard input and seal it");
  for (auto* command : {generate, import}) {
    command->add_option("--tpm", psk_options.tpm.tcti, tpm_meaning)->capture_default_str();
    command->add_option("--config", tpm_configuration, tpm_configuration_meaning);
    command
        ->add_option("--output", psk_options.output, "File for the sealed PSK, as 'bootstrap.psk' of the link names it")
        ->required();
  }
  generate->add_flag("--halves", psk_options.halves, "Show it in two halves, for two couriers; neither knows the key");
  generate->add_flag("--force", psk_options.force, "Write the PSK to a pipe too; replace an existing file");
  import->add_flag("--json", psk_options.json, "For programs: where it is sealed");
  import->add_flag("--force", psk_options.force, "Replace an existing file");

  auto* enroll =
      app.add_subcommand("enroll", "Make this box's key for bootstraps, sealed in the TPM; show its fingerprint");
  auto* fingerprint = app.add_subcommand("fingerprint", "Show the fingerprint of this box's key, or of one in a file");
  cloisterctl::IdentityOptions identity{.tpm = {"device:/dev/tpmrm0"},
                                        .identity = "/var/lib/cloister/identity",
                                        .public_key = {},
                                        .key = {},
                                        .csr_box = {}};
  for (auto* command : {enroll, fingerprint}) {
    command->add_option("--tpm", identity.tpm.tcti, tpm_meaning)->capture_default_str();
    command->add_option("--config", tpm_configuration, tpm_configuration_meaning);
    command->add_option("--identity", identity.identity, "File of the sealed key, as 'box.identity' names it")
        ->capture_default_str();
    command->add_flag("--json", identity.json, "For programs");
  }
  enroll->add_option("--key", identity.key,
                     "Kind of key: ml-dsa-65, sealed by the TPM (default); ecdsa-p256 or ecdsa-p384, made in the TPM, "
                     "which it never leaves");
  enroll->add_option("--csr", identity.csr_box,
                     "Also write a certificate request for a box of this name, to the key's file with .csr; without "
                     "--force for the key that there is");
  enroll->add_flag("--force", identity.force, "Replace an existing key");
  fingerprint->add_option("file", identity.public_key,
                          "A public key, as 'enroll' has written it (default: this box's own, from the TPM)");

  auto* voucher = app.add_subcommand(
      "voucher",
      "Vouch for the key of another box, or learn a key that other boxes vouch for; works without the service");
  voucher->require_subcommand(1);
  cloisterctl::VoucherOptions voucher_options{.tpm = {"device:/dev/tpmrm0"},
                                              .identity = "/var/lib/cloister/identity",
                                              .as = {},
                                              .box = {},
                                              .fingerprint = {},
                                              .until = {},
                                              .files = {},
                                              .by = {}};
  auto* voucher_make = voucher->add_subcommand(
      "make", "Say, signed with this box's key, that a box has the key which you have compared; to standard output");
  auto* voucher_check =
      voucher->add_subcommand("check", "Show the fingerprint of a box's key that enough boxes vouch for");
  for (auto* command : {voucher_make, voucher_check}) {
    command->add_option("box", voucher_options.box, "Name of the box whose key it is")->required();
    command->add_option("--role", voucher_options.role,
                        "What its device is there, 'alice' or 'bob'; without it a voucher is for whichever");
    command->add_option("--link", voucher_options.link, "For this link alone; without it a voucher is for any");
  }
  voucher_make->add_option("fingerprint", voucher_options.fingerprint, "Of its key, as you have compared it")
      ->required();
  voucher_make->add_option("--until", voucher_options.until,
                           "The last day on which it counts, by UTC, as 2027-11-26 (default: a year from today)");
  voucher_make->add_option("--as", voucher_options.as, "This box's name")->required();
  voucher_make->add_option("--tpm", voucher_options.tpm.tcti, tpm_meaning)->capture_default_str();
  voucher_make->add_option("--config", tpm_configuration, tpm_configuration_meaning);
  voucher_make->add_option("--identity", voucher_options.identity, "File of this box's key, as 'box.identity' names it")
      ->capture_default_str();
  voucher_check->add_option("file", voucher_options.files, "Vouchers, as 'voucher make' has written them")->required();
  voucher_check
      ->add_option("--by", voucher_options.by,
                   "NAME=FINGERPRINT of a box whose word you take, and whose key you have compared; again for each")
      ->required()
      ->allow_extra_args(false);
  voucher_check->add_option("--at-least", voucher_options.at_least, "So many of them must vouch (default: all)");
  voucher_check->add_flag("--json", voucher_options.json, "For programs");

  auto* pcr_policy = app.add_subcommand(
      "pcr-policy", "Which states of the machine may open what its TPM has sealed; works without the service");
  pcr_policy->require_subcommand(1);
  cloisterctl::PcrPolicyOptions policy_options;
  auto* policy_show =
      pcr_policy->add_subcommand("show", "Show the PCRs of 'tpm.pcrs', and whether this state is signed");
  auto* policy_sign =
      pcr_policy->add_subcommand("sign", "Sign this state, or one that --pcr describes, with the policy key");
  policy_sign->add_option("--key", policy_options.key, "Private policy key (PEM, RSA of 2048 bits)")->required();
  policy_sign->add_option("--pcr", policy_options.values,
                          "A PCR's value, as 11=HEX, again for each PCR; asks neither the TPM nor the configuration");
  policy_sign->add_option("--output", policy_options.file, "File of signed policies: this one is added to it")
      ->required();
  auto* policy_install =
      pcr_policy->add_subcommand("install", "Check signed policies and put them where the box reads them");
  policy_install->add_option("file", policy_options.file, "File of signed policies")->required();
  for (auto* command : {policy_show, policy_sign, policy_install}) {
    command->add_option("--config", policy_options.configuration, "Configuration of the service")
        ->capture_default_str();
    command->add_flag("--json", policy_options.json, "For programs");
  }

  auto* selftest = app.add_subcommand(
      "selftest", "Have the box test its primitives, randomness, TPM and sealed state; where one fails it closes");
  selftest->add_flag("--json", json, "For programs");

  auto* reload = app.add_subcommand(
      "reload", "Take up the changed configuration file; a bad one is refused whole, what did not change goes on");
  reload->add_flag("--json", json, "For programs");

  auto* zeroize = app.add_subcommand(
      "zeroize",
      "Destroy all secrets of this box: in memory, in the TPM, on disk; also where the service does not run");
  cloisterctl::ZeroizeOptions zeroize_options;
  zeroize->add_flag("--yes", zeroize_options.yes, "Do not ask: for scripts");
  zeroize
      ->add_option("--config", zeroize_options.configuration,
                   "Where the service does not run: its configuration, which names TPM and files")
      ->capture_default_str();
  zeroize->add_flag("--json", zeroize_options.json, "For programs: what was done, as one JSON object");

  auto* support = app.add_subcommand("support-bundle",
                                     "Pack what somebody who helps needs to know into one file: no secret is in it");
  cloisterctl::SupportOptions support_options;
  support->add_option("--output", support_options.output, "The file (default: cloister-support-TIME.tar.gz, here)");
  support->add_option("--config", support_options.configuration, "Configuration of the service")->capture_default_str();
  support->add_flag("--json", support_options.json, "For programs: what is in it and what is left out");

  auto* limits = app.add_subcommand("limits", "Say what the box does not defend against; works without the service");
  limits->add_flag("--json", json, "For programs");

  auto* config = app.add_subcommand("config", "Look at configuration files; works without the service");
  config->require_subcommand(1);
  std::string file = "/etc/cloister/cloister.yaml";
  std::string other_file = file;
  auto* check = config->add_subcommand("check", "Say what is wrong in a file, with line and column");
  auto* show = config->add_subcommand("show", "Show the file with every default written out and marked");
  for (auto* command : {check, show}) command->add_option("file", file, "Configuration file")->capture_default_str();
  std::optional<std::uint64_t> lockable_mib;
  check->add_option("--lockable", lockable_mib,
                    "Memory that the service may lock, in MiB, for another machine than this (default: as "
                    "cloister.service says here, with its drop-ins, or as it is delivered)");
  auto* diff = config->add_subcommand("diff", "Show what two files change in effect; exit status as of diff(1)");
  diff->add_option("before", file, "Configuration file")->required();
  diff->add_option("after", other_file, "The other one")->capture_default_str();
  auto* schema = config->add_subcommand("schema", "Print a JSON Schema of the file, for editors");
  auto* reference = config->add_subcommand("reference", "Print every key of the file with its meaning, as a page");
  bool man = false;
  reference->add_flag("--man", man, "As the manual page cloister.yaml(5)");
  for (auto* command : {check, show, diff, reference}) command->add_flag("--json", json, "For programs");
  schema->add_flag("--json", json, "Changes nothing: a schema is JSON");

  auto* account = app.add_subcommand(
      "account",
      "Recompute the secret length of blocks: accounts as JSON on standard input, bounds on standard output");
  account->add_flag("--json", json, "Changes nothing: bounds are JSON");

  std::string name;
  auto* link = app.add_subcommand("link", "Show this box's links, or plan one");
  link->require_subcommand(0, 1);
  auto* link_list = link->add_subcommand("list", "A line for each link (as 'link' alone)");
  auto* link_show = link->add_subcommand("show", "All of one link");
  link_show->add_option("name", name, "The link's name")->required();
  cloisterctl::LinkBootstrapOptions bootstrap_options;
  auto* link_bootstrap = link->add_subcommand(
      "bootstrap", "Let a link that waits for its operator ('bootstrap.again') bootstrap once; for operators");
  link_bootstrap->add_option("name", bootstrap_options.link, "The link's name")->required();
  link_bootstrap->add_flag("--yes", bootstrap_options.yes, "Do not ask: for scripts");
  link_bootstrap->add_flag("--json", bootstrap_options.json, "For programs: the link as it is then");
  cloisterctl::LinkPlanOptions plan_options;
  auto* plan = link->add_subcommand("plan", "Say what a link will bring; works without the service");
  plan->add_option("link", plan_options.link, "A preset ('link presets' lists them), or a file as they are")
      ->required();
  plan->add_option("--length-km", plan_options.length_km, "Another length of the fibre")
      ->check(CLI::Range(0.0, 1000.0));
  plan->add_option("--block-bits", plan_options.block_bits, "Another block")
      ->check(CLI::Range(std::uint64_t{10'000}, std::uint64_t{1} << 40U));
  plan->add_option("--epsilon-budget", plan_options.epsilon_budget, "Another budget for the link's life")
      ->check(CLI::Range(1e-20, 1e-3));
  plan->add_option("--to-km", plan_options.to_km, "How far the rate is shown")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  plan->add_option("--step-km", plan_options.step_km, "In which steps")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  plan->add_option("--svg", plan_options.svg, "Write a plot to this file");
  plan->add_flag("--json", plan_options.json, "For programs");
  std::string preset;
  auto* presets = link->add_subcommand("presets", "List the links that are built in, or print one's file");
  presets->add_option("name", preset, "Of the one to print");
  presets->add_flag("--json", json, "For programs");

  auto* tunnel = app.add_subcommand("tunnel", "Show this box's tunnels, or give one a new key");
  tunnel->require_subcommand(0, 1);
  auto* tunnel_list = tunnel->add_subcommand("list", "A line for each tunnel (as 'tunnel' alone)");
  auto* tunnel_show = tunnel->add_subcommand("show", "All of one tunnel");
  auto* rekey = tunnel->add_subcommand("rekey", "Give a tunnel a new key now; for operators");
  for (auto* command : {tunnel_show, rekey}) command->add_option("name", name, "The tunnel's name")->required();
  for (auto* command : {link, link_list, link_show, tunnel, tunnel_list, tunnel_show, rekey})
    command->add_flag("--json", json, "For programs");

  auto* completion = app.add_subcommand("completion", "Print the completion script of a shell");
  completion->require_subcommand(1);
  auto* bash = completion->add_subcommand("bash", "For bash-completion, or to be sourced");
  auto* zsh = completion->add_subcommand("zsh", "For a directory of $fpath, as _cloisterctl");
  for (auto* command : {bash, zsh}) command->add_flag("--json", json, "For programs");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return manual::not_understood(app, error);
  }
  if (*status) return show_status(socket, json);
  if (*watch) return watch_status(socket, interval_seconds, count, json);
  if (*explain) return cloisterctl::events_explain(explain_options);
  if (*events) return cloisterctl::events_list(socket, event_options);
  if (*alarm_show) return cloisterctl::alarm_show(socket, alarm_options);
  if (*acknowledge) return cloisterctl::alarm_acknowledge(socket, alarm_options);
  if (*alarm) return cloisterctl::alarm_list(socket, alarm_options);
  if (*audit_show) return cloisterctl::audit_show(audit_options);
  if (*audit_verify) return cloisterctl::audit_verify(audit_options);
  if (*check) return cloisterctl::config_check(file, lockable_mib, json);
  if (*show) return cloisterctl::config_show(file, json);
  if (*diff) return cloisterctl::config_diff(file, other_file, json);
  if (*account) {
    const auto done = cloisterctl::recompute_accounts(std::cin, std::cout);
    return done ? 0 : failed(done.error().message);
  }
  if (*bash || *zsh) return cloisterctl::print_completion(app, *bash ? "bash" : "zsh", json);
  if (*limits) return cloisterctl::limits(json);
  if (*schema) return cloisterctl::config_schema();
  if (*reference) return cloisterctl::config_reference(man, json);
  if (*link_show) return cloisterctl::link_show(socket, name, json);
  if (*link_bootstrap) {
    bootstrap_options.socket = socket;
    return cloisterctl::link_bootstrap(bootstrap_options);
  }
  if (*tunnel_show) return cloisterctl::tunnel_show(socket, name, json);
  if (*rekey) return cloisterctl::tunnel_rekey(socket, name, json);
  if (*tunnel) return cloisterctl::tunnel_list(socket, json);
  if (*plan) return cloisterctl::link_plan(plan_options);
  if (*presets) return cloisterctl::link_presets(preset, json);
  if (*link) return cloisterctl::link_list(socket, json);
  if (*selftest) return cloisterctl::selftest(socket, json);
  if (*reload) return cloisterctl::reload(socket, json);
  if (*support) {
    support_options.socket = socket;
    return cloisterctl::support_bundle(support_options);
  }
  if (*zeroize) {
    zeroize_options.socket = socket;
    return cloisterctl::zeroize(zeroize_options);
  }
  Result<> done;
  if (*generate || *import || *enroll || *fingerprint || *voucher_make || *policy_sign) crypto::forbid_cores();
  if (!tpm_configuration.empty()) {
    const auto settings = cloisterctl::tpm_of(tpm_configuration);
    if (!settings) return failed(settings.error().message);
    psk_options.tpm = identity.tpm = voucher_options.tpm = *settings;
  }
  if (*policy_show) done = cloisterctl::pcr_policy_show(policy_options);
  if (*policy_sign) done = cloisterctl::pcr_policy_sign(policy_options);
  if (*policy_install) done = cloisterctl::pcr_policy_install(policy_options);
  if (*enroll) done = cloisterctl::enroll(identity);
  if (*fingerprint) done = cloisterctl::show_fingerprint(identity);
  if (*voucher_make) done = cloisterctl::voucher_make(voucher_options);
  if (*voucher_check) done = cloisterctl::voucher_check(voucher_options);
  if (*generate) done = cloisterctl::psk_generate(psk_options);
  if (*import) done = cloisterctl::psk_import(psk_options);
  return done ? 0 : failed(done.error().message);
}

}  // namespace

int main(int argc, char** argv) { return with_output_written(run(argc, argv)); }
