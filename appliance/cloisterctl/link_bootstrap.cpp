#include "appliance/cloisterctl/link_bootstrap.hpp"

#include <chrono>
#include <expected>
#include <format>
#include <iostream>
#include <thread>

#include "appliance/cloisterctl/agreed.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/one_of.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {
namespace {

/// Longer than the boxes wait between two attempts while an operator is awaited.
constexpr std::chrono::seconds patience{8};
constexpr std::chrono::milliseconds between_looks{100};

std::expected<control::LinkStatus, control::Failure> link_of(const LinkBootstrapOptions& options) {
  const auto status = control::fetch_status(options.socket);
  if (!status) return std::unexpected{status.error()};
  return one_of(status->links, options.link, "link").transform_error([](const std::string& why) {
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

}  // namespace

int link_bootstrap(const LinkBootstrapOptions& options) {
  auto link = link_of(options);
  if (!link) return failed(link.error());
  if (!options.yes && link->waits_for == "operator") {
    if (const auto meant = asked_for(*link); !meant) return failed(meant.error().message);
  }
  if (const auto ordered =
          control::tell(options.socket, {.request = control::Request::bootstrap, .name = options.link, .subject = {}});
      !ordered)
    return failed(ordered.error());
  for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end;) {
    link = link_of(options);
    if (!link) return failed(link.error());
    if (link->authenticated_by != "nobody") break;
    std::this_thread::sleep_for(between_looks);
  }
  return report(options, *link);
}

}  // namespace cloister::cloisterctl
