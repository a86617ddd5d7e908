#pragma once
/// The process of a vendor's library, as the service holds it: a connection to its parent (host/keeper.hpp), which systemd
/// has started or, for tests and vendors, this process itself. The process ends with the object.

#include <optional>
#include <string>

#include "crypto/error.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::plugin {

class HostProcess {
 public:
  /// `ring` and `library` stay the caller's.
  [[nodiscard]] static Result<HostProcess> start(const PluginConfig& config, int ring, int library);
  HostProcess(HostProcess&& other) noexcept;
  HostProcess& operator=(HostProcess&&) = delete;
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;
  /// Ends what still runs, and waits for that.
  ~HostProcess();

  /// Readable when it has ended.
  [[nodiscard]] int descriptor() const { return connection_.get(); }
  /// "was ended by signal 11 (Segmentation fault)" or "ended with status 1"; nothing while it runs.
  [[nodiscard]] std::optional<std::string> end();

 private:
  HostProcess(simulator::FileDescriptor connection, simulator::FileDescriptor keeper)
      : connection_{std::move(connection)}, keeper_{std::move(keeper)} {}

  simulator::FileDescriptor connection_;  // empty once moved from
  simulator::FileDescriptor keeper_;      // where it is this process's own child
  std::optional<std::string> end_;
};

}  // namespace cloister::hal::plugin
