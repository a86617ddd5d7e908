#include "appliance/cloisterctl/exit_status.hpp"

#include <format>

namespace cloister::cloisterctl {

std::string exit_status_table() {
  std::string table = "Exit status:";
  for (const auto& [status, meaning] : exit_statuses) table += std::format("\n  {}  {}", number(status), meaning);
  return table;
}

}  // namespace cloister::cloisterctl
