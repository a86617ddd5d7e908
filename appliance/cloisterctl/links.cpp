#include "appliance/cloisterctl/links.hpp"

#include <CLI/CLI.hpp>
#include <format>
#include <iostream>
#include <memory>
#include <string>

#include "appliance/cloisterctl/colours.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/link_bootstrap.hpp"
#include "appliance/cloisterctl/link_plan.hpp"
#include "appliance/cloisterctl/one_of.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/cloisterctl/status_view.hpp"
#include "appliance/cloisterctl/table.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {
namespace {

struct LinkOptions {
  std::string name;
  bool json = false;
};

int link_list(const std::string& socket, bool json) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  if (json) {
    print_json(status->links);
    return number(ExitStatus::done);
  }
  std::vector<Row> rows{{"LINK", "PEER", "STATE", "AUTHENTICATED BY", "QBER", "SECRET KEY"}};
  for (const auto& link : status->links) {
    rows.push_back({link.name, link.peer, link.state, link.authenticated_by,
                    link.qber ? std::format("{:.2f} %", 100 * *link.qber) : std::string{"-"},
                    with_rate_unit(link.secret_bits_per_second)});
  }
  std::cout << table(rows);
  return number(ExitStatus::done);
}

int link_show(const std::string& socket, const std::string& name, bool json) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  const auto link = one_of(status->links, name, "link");
  if (!link) return failed(link.error());
  if (json)
    print_json(*link);
  else
    std::cout << render(*link, colours_wanted());
  return number(ExitStatus::done);
}

}  // namespace

void offer_link(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<LinkOptions>();
  auto* link = app.add_subcommand("link", "Show this box's links, or plan one");
  link->require_subcommand(0, 1);
  auto* list = link->add_subcommand("list", "A line for each link (as 'link' alone)");
  auto* show = link->add_subcommand("show", "All of one link");
  show->add_option("name", options->name, "The link's name")->required();
  for (auto* command : {link, list, show}) command->add_flag("--json", options->json, "For programs");
  for (auto* command : {link, list})
    invocation.on(command, [&invocation, options] { return link_list(invocation.socket, options->json); });
  invocation.on(show, [&invocation, options] { return link_show(invocation.socket, options->name, options->json); });
  offer_link_bootstrap(*link, invocation);
  offer_link_plan(*link, invocation);
}

}  // namespace cloister::cloisterctl
