#include "appliance/cloisterctl/link_bootstrap.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <expected>
#include <format>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "appliance/cloisterctl/agreed.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/one_of.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {
namespace {

struct LinkBootstrapOptions {
  std::string link;
  bool yes = false;   // do not ask
  bool json = false;  // for programs
};

/// Longer than the boxes wait between two attempts while an operator is awaited.
constexpr std::chrono::seconds patience{8};
constexpr std::chrono::milliseconds between_looks{100};

std::expected<control::LinkStatus, control::Failure> link_of(const std::string& socket, const std::string& name) {
  const auto status = control::fetch_status(socket);
  if (!status) return std::unexpected{status.error()};
  return one_of(status->links, name, "link").transform_error([](const std::string& why) {
    return control::Failure{.message = why};
  });
}

Result<> asked_for(const control::LinkStatus& link) {
  return agreed(
      {.command = "link bootstrap",
       .about = std::format(
           "No QKD key authenticates box '{}' now. This lets link '{}' authenticate it once by what "
           "'bootstrap' names instead.\nDo so only when you know why the keys are gone ('cloisterctl events').",
           link.peer, link.name),
       .word = "bootstrap",
       .refused = "nothing was allowed"});
}

int report(const LinkBootstrapOptions& options, const control::LinkStatus& link) {
  if (options.json) {
    print_json(link);
    return number(ExitStatus::done);
  }
  if (link.authenticated_by != "nobody")
    std::cout << std::format("link '{}' has bootstrapped: {} authenticates the channel\n", link.name,
                             link.authenticated_by == "qkd" ? "QKD key" : "the bootstrap");
  else if (!link.waits_for.empty())
    std::cout << std::format(
        "link '{}' may bootstrap once, but box '{}' waits for its operator too: say the same there\n", link.name,
        link.peer);
  else
    std::cout << std::format("link '{}' may bootstrap once; box '{}' has not come for it yet\n", link.name, link.peer);
  return number(ExitStatus::done);
}

int link_bootstrap(const std::string& socket, const LinkBootstrapOptions& options) {
  auto link = link_of(socket, options.link);
  if (!link) return failed(link.error());
  if (!options.yes && link->waits_for == "operator") {
    if (const auto meant = asked_for(*link); !meant) return failed(meant.error().message);
  }
  if (const auto ordered =
          control::tell(socket, {.request = control::Request::bootstrap, .name = options.link, .subject = {}});
      !ordered)
    return failed(ordered.error());
  for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end;) {
    link = link_of(socket, options.link);
    if (!link) return failed(link.error());
    if (link->authenticated_by != "nobody") break;
    std::this_thread::sleep_for(between_looks);
  }
  return report(options, *link);
}

}  // namespace

void offer_link_bootstrap(CLI::App& link, Invocation& invocation) {
  const auto options = std::make_shared<LinkBootstrapOptions>();
  auto* bootstrap = link.add_subcommand(
      "bootstrap", "Let a link that waits for its operator ('bootstrap.again') bootstrap once; for operators");
  bootstrap->add_option("name", options->link, "The link's name")->required();
  bootstrap->add_flag("--yes", options->yes, "Do not ask: for scripts");
  bootstrap->add_flag("--json", options->json, "For programs: the link as it is then");
  invocation.on(bootstrap, [&invocation, options] { return link_bootstrap(invocation.socket, *options); });
}

}  // namespace cloister::cloisterctl
