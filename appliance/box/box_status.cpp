#include "appliance/box/box_status.hpp"

#include "crypto/secret.hpp"

namespace cloister::box {

control::BoxStatus status_of(const std::string& box, const std::string& state, const EventLog& log) {
  control::BoxStatus status;
  status.box = box;
  status.version = CLOISTER_VERSION;
  status.state = state;
  status.uptime_seconds = log.uptime_seconds();
  status.secret_memory = crypto::to_string(crypto::arena_kind());
  status.secret_memory_used_bytes = crypto::arena_bytes_used();
  status.secret_memory_peak_bytes = crypto::arena_bytes_touched();
  status.secret_memory_bytes = crypto::arena_bytes_total();
  status.alarms = log.standing();
  status.events = log.newest();
  return status;
}

}  // namespace cloister::box
