#pragma once
/// Hears from the kernel that somebody has changed something of its network.

#include <cstdint>

#include "appliance/drivers/file_descriptor.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

/// Becomes readable at a change. What has changed is not read from it: too much at once is lost by the kernel, and who hears
/// of a change asks for what is there.
class ChangeWatch {
 public:
  enum class Of : std::uint8_t { packet_filter, interfaces };

  ChangeWatch() = default;
  [[nodiscard]] static Result<ChangeWatch> start(Of what);
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  /// Takes away what was heard until now.
  void forget() const;

 private:
  explicit ChangeWatch(drivers::FileDescriptor socket) : socket_{std::move(socket)} {}

  drivers::FileDescriptor socket_;
};

}  // namespace cloister::network
