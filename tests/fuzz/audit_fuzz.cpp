/// The lines of an audit log, as anybody may have left them in the file.

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "appliance/control/audit.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream lines{std::string{reinterpret_cast<const char*>(data), size}};
  cloister::control::AuditChain chain;
  for (std::string line; std::getline(lines, line);) static_cast<void>(chain.add(line));
  // Whatever was there, the chain goes on.
  auto next = chain.next();
  next.text = "after it";
  if (next.number != 0 && !chain.add(cloister::control::encode_audit_entry(next))) __builtin_trap();
  return 0;
}
