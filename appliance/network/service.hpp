#pragma once
/// The work of cloister-netd: lays what the configuration says at the start, and again whenever cloisterd asks, to whom it
/// hands the sockets that it opens. One conversation at a time.
///
/// The configuration is read anew for each request, so a changed one needs nothing else. While cloisterd still uses what
/// is configured no longer, nothing is taken away; it closes the connection when it does not.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/handover/channel.hpp"
#include "appliance/network/plan.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

class Service {
 public:
  /// `user`: who runs cloisterd, owns the interfaces and may ask, besides root. Lays the guards; what else cannot be laid
  /// yet is told on standard error, and tried again with each request.
  [[nodiscard]] static Result<Service> start(std::string configuration, uid_t user);

  /// Until SIGTERM or SIGINT. SIGHUP lays everything again, as after somebody has emptied nftables.
  void run();

 private:
  using Instant = std::chrono::steady_clock::time_point;

  Service(std::string configuration, uid_t user) : configuration_{std::move(configuration)}, user_{user} {}
  Result<> reread();
  [[nodiscard]] Result<> lay() const;
  [[nodiscard]] bool wait() const;
  bool take_signal();
  void accept();
  [[nodiscard]] Result<> serve(const handover::Channel& channel);
  void end_conversation();

  std::string configuration_;  // path
  uid_t user_;
  Plan plan_;
  drivers::FileDescriptor signals_;
  drivers::FileDescriptor listener_;
  std::optional<handover::Channel> conversation_;
  Instant patient_until_;  // with it
  std::chrono::milliseconds heartbeat_{-1};
};

}  // namespace cloister::network
