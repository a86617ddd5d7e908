#include "appliance/cloisterctl/links.hpp"

#include <format>
#include <iostream>

#include "appliance/cloisterctl/colours.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/one_of.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/cloisterctl/status_view.hpp"
#include "appliance/cloisterctl/table.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {

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

}  // namespace cloister::cloisterctl
