#include "appliance/cloisterctl/audited.hpp"

#include <chrono>
#include <iostream>

#include "appliance/box/audit_log.hpp"

namespace cloister::cloisterctl {

void audit(const config::Configuration& configuration, const control::Event& event) {
  auto log = box::AuditLog::open(configuration.box.state_directory, configuration.logging);
  const auto written =
      log ? log->append(event, std::chrono::system_clock::now()) : Result<>{std::unexpected{log.error()}};
  if (!written) std::cerr << "cloisterctl: not in the audit log: " << written.error().message << '\n';
}

}  // namespace cloister::cloisterctl
