#pragma once
/// The process of a vendor's library, as its parent holds it: started with three descriptors and nothing else, ended
/// with the object.

#include <sys/types.h>

#include <optional>
#include <string>

#include "crypto/error.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::plugin {

/// The numbers of a user; an error names the user and how to make it.
struct UserNumbers {
  uid_t user = 0;
  gid_t group = 0;
};
[[nodiscard]] Result<UserNumbers> user_numbers(const std::string& name);

class HostProcess {
 public:
  /// `ring` and `library` stay the caller's.
  [[nodiscard]] static Result<HostProcess> start(const PluginConfig& config, int ring, int library);
  HostProcess(HostProcess&& other) noexcept;
  HostProcess& operator=(HostProcess&&) = delete;
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;
  /// Kills what still runs, and waits for its end.
  ~HostProcess();

  /// Readable when it has ended.
  [[nodiscard]] int descriptor() const { return process_.get(); }
  /// "was ended by signal 11 (Segmentation fault)" or "ended with status 1"; nothing while it runs.
  [[nodiscard]] std::optional<std::string> end();

 private:
  explicit HostProcess(simulator::FileDescriptor process) : process_{std::move(process)} {}

  simulator::FileDescriptor process_;  // empty once moved from
  std::optional<std::string> end_;
};

}  // namespace cloister::hal::plugin
