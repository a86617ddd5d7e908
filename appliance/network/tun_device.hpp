#pragma once
/// A TUN device that stays when nobody has it open, and that its owner may open without any capability.

#include <sys/types.h>

#include <string>

#include "crypto/error.hpp"

namespace cloister::network {

/// Gives its interface's index. Its queues carry whole IP packets behind a virtio header (appliance/drivers/tun.hpp).
[[nodiscard]] Result<unsigned> make_tun_device(const std::string& interface, uid_t owner);

}  // namespace cloister::network
