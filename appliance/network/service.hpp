#pragma once
/// The work of cloister-netd: lays the guards at the start, and all that the configuration says whenever cloisterd asks,
/// to whom it hands the sockets that it opens. One conversation at a time.
///
/// The configuration is read anew for each request. What cloisterd uses is not known from it, for it may have been edited
/// since: cloisterd says so at the end of a conversation. Until then nothing is taken away, and guarded is what any of
/// the two may use, the configuration before and the one asked for.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/handover/channel.hpp"
#include "appliance/network/change_watch.hpp"
#include "appliance/network/plan.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

class Service {
 public:
  /// `user`: who runs cloisterd, owns the interfaces and may ask, besides root. Lays the guards: those of the
  /// configuration, and those that still stand from an earlier life; at boot, where nothing stands, the interfaces too, as
  /// far as it can.
  [[nodiscard]] static Result<Service> start(std::string configuration, uid_t user);

  /// Until SIGTERM or SIGINT. SIGHUP lays again what was laid; the packet filter is laid again whenever somebody has emptied
  /// nftables, and routes when an interface that was down is up again.
  void run();

 private:
  using Instant = std::chrono::steady_clock::time_point;

  Service(std::string configuration, uid_t user) : configuration_{std::move(configuration)}, user_{user} {}
  [[nodiscard]] Result<Plan> read();
  struct Heard {
    bool filter = false;      // somebody has changed nftables
    bool interfaces = false;  // or an interface
    bool peer = false;        // a connection is there, or a word or the end of one
  };
  [[nodiscard]] Heard wait() const;
  void keep_filter();
  void keep_routes();
  bool take_signal();
  void accept();
  [[nodiscard]] Result<> serve(const handover::Channel& channel);
  void end_conversation(bool called);
  [[nodiscard]] Result<> settle(handover::Verdict verdict);

  std::string configuration_;  // path
  uid_t user_;
  Guards guards_;             // as they are laid
  std::optional<Plan> used_;  // by cloisterd; none: it has not said so in this life
  std::optional<Plan> asked_;
  drivers::FileDescriptor signals_;
  drivers::FileDescriptor listener_;
  ChangeWatch filter_watch_;
  ChangeWatch interface_watch_;
  std::optional<handover::Channel> conversation_;
  Instant patient_until_;  // with it
  std::chrono::milliseconds heartbeat_{-1};
};

}  // namespace cloister::network
