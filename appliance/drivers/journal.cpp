#include "appliance/drivers/journal.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION  // the place in the code is no field of an event
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include <cstdlib>
#include <vector>

namespace cloister::drivers {

bool under_journal() { return std::getenv("JOURNAL_STREAM") != nullptr; }

bool send_to_journal(std::span<const std::string> fields) {
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (const auto& field : fields) parts.push_back({const_cast<char*>(field.data()), field.size()});
  return ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

}  // namespace cloister::drivers
