/// cloister-netd: makes the network of the tunnels for cloisterd, which may not. It has CAP_NET_ADMIN, and no keys.
///
/// Exit status: 0 stopped by a signal; 1 it could not start (the reason is on standard error); 2 the command line is wrong.

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <format>
#include <iostream>

#include "appliance/network/service.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

using cloister::Result;

Result<uid_t> user_number(const std::string& name) {
  if (name.empty()) return ::geteuid();
  const passwd* found = ::getpwnam(name.c_str());
  if (found != nullptr) return found->pw_uid;
  return cloister::fail(std::format("there is no user '{}': make it with 'systemd-sysusers cloister.conf'", name));
}

int failed(const std::string& message) {
  std::cerr << "cloister-netd: " << message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes interfaces, routes and the packet filter of the tunnels, and opens their sockets, for cloisterd.",
               "cloister-netd"};
  app.set_version_flag("--version", std::string{"cloister-netd "} + CLOISTER_VERSION);
  std::string path = "/etc/cloister/cloister.yaml";
  app.add_option("--config", path, "Configuration file, which cloisterd reads too")->capture_default_str();
  std::string user;
  app.add_option("--user", user, "Who runs cloisterd, and owns the interfaces (default: who runs this)");
  const cloister::manual::Program program{
      .section = 8,
      .description =
          {"It makes what cloisterd, which has no right to, needs of the kernel: the tunnels' interfaces, the routes "
           "into the "
           "far subnets, the sockets of ESP, and what keeps red packets in: a packet filter (nftables' table 'inet "
           "cloister') and a route of last resort to each far subnet. It holds no keys, and does what the "
           "configuration "
           "says alone. systemd starts it as cloister-network.service, before the network is up.",
           "All of that stays when it stops or dies. The packet filter is laid anew when somebody empties nftables, as "
           "by "
           "'nft flush ruleset', and routes when an interface that was down is up again; SIGHUP lays everything anew."},
      .exit_status = {{"0", "it was stopped by a signal"},
                      {"1", "it could not start, and the reason is on standard error"},
                      {"2", "the command line is wrong"}},
      .files = {{"/etc/cloister/cloister.yaml", "The configuration of the box."}},
      .see_also = {"cloister.yaml(5)", "cloisterctl(1)", "cloisterd(8)"}};
  cloister::manual::offer(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cloister::manual::not_understood(app, error);
  }

  const auto number = user_number(user);
  if (!number) return failed(number.error().message);
  auto service = cloister::network::Service::start(path, *number);
  if (!service) return failed(service.error().message);
  service->run();
  return 0;
}
