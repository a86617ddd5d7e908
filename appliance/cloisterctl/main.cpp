/// cloisterctl: what an operator types. Its exit statuses are in exit_status.hpp; reasons are on standard error.

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "appliance/cloisterctl/account.hpp"
#include "appliance/cloisterctl/alarms.hpp"
#include "appliance/cloisterctl/attest.hpp"
#include "appliance/cloisterctl/audit.hpp"
#include "appliance/cloisterctl/completion.hpp"
#include "appliance/cloisterctl/config.hpp"
#include "appliance/cloisterctl/enroll.hpp"
#include "appliance/cloisterctl/events.hpp"
#include "appliance/cloisterctl/exit_status.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/invocation.hpp"
#include "appliance/cloisterctl/limits.hpp"
#include "appliance/cloisterctl/links.hpp"
#include "appliance/cloisterctl/pcr_policy.hpp"
#include "appliance/cloisterctl/psk.hpp"
#include "appliance/cloisterctl/reload.hpp"
#include "appliance/cloisterctl/selftest.hpp"
#include "appliance/cloisterctl/status.hpp"
#include "appliance/cloisterctl/support_bundle.hpp"
#include "appliance/cloisterctl/tunnels.hpp"
#include "appliance/cloisterctl/update.hpp"
#include "appliance/cloisterctl/voucher.hpp"
#include "appliance/cloisterctl/zeroize.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

using namespace cloister;
using cloisterctl::ExitStatus;
using cloisterctl::failed;
using cloisterctl::number;

/// What its manual page says besides the commands.
manual::Program program() {
  std::vector<manual::Entry> exit_statuses;
  for (const auto& [status, meaning] : cloisterctl::exit_statuses)
    exit_statuses.push_back({std::to_string(number(status)), std::string{meaning}});
  return {
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
}

/// In the order in which the help lists them.
void offer_commands(CLI::App& app, cloisterctl::Invocation& invocation) {
  cloisterctl::offer_status(app, invocation);
  cloisterctl::offer_events(app, invocation);
  cloisterctl::offer_alarm(app, invocation);
  cloisterctl::offer_audit(app, invocation);
  cloisterctl::offer_psk(app, invocation);
  cloisterctl::offer_enroll(app, invocation);
  cloisterctl::offer_voucher(app, invocation);
  cloisterctl::offer_pcr_policy(app, invocation);
  cloisterctl::offer_attest(app, invocation);
  cloisterctl::offer_selftest(app, invocation);
  cloisterctl::offer_reload(app, invocation);
  cloisterctl::offer_zeroize(app, invocation);
  cloisterctl::offer_update(app, invocation);
  cloisterctl::offer_support_bundle(app, invocation);
  cloisterctl::offer_limits(app, invocation);
  cloisterctl::offer_config(app, invocation);
  cloisterctl::offer_account(app, invocation);
  cloisterctl::offer_link(app, invocation);
  cloisterctl::offer_tunnel(app, invocation);
  cloisterctl::offer_completion(app, invocation);
}

/// The status of a command, unless what it printed could not be written, as to a full disk.
int with_output_written(int status) {
  std::cout.flush();
  if (std::cout || status != number(ExitStatus::done)) return status;
  return failed("standard output cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Looks at and operates the Cloister service of this box.", "cloisterctl"};
  app.set_version_flag("--version", std::string{"cloisterctl "} + CLOISTER_VERSION);
  app.footer(cloisterctl::exit_status_table());
  app.require_subcommand(1);
  app.fallthrough();  // --socket also behind the command
  cloisterctl::Invocation invocation;
  app.add_option("--socket", invocation.socket, "Control socket of the service")->capture_default_str();
  const auto about = program();
  manual::offer(app, about);
  offer_commands(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return with_output_written(manual::not_understood(app, error));
  }
  return with_output_written(invocation.chosen());
}
