#pragma once
/// Where cloisterd asks: the socket that systemd passes, or one of this process's own.

#include <sys/types.h>

#include <string>

#include "appliance/drivers/file_descriptor.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

/// A listening socket. One that is made here belongs to `user`, and takes over a path that a dead process has left.
[[nodiscard]] Result<drivers::FileDescriptor> listen_for(uid_t user, const std::string& path);

}  // namespace cloister::network
