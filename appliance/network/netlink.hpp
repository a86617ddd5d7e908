#pragma once
/// Requests to the kernel's network by netlink (libmnl), and its answers.

#include <linux/netlink.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::network {

/// Room for one request.
inline constexpr std::size_t request_bytes = 1024;

/// Sends one request of rtnetlink and waits for the kernel's acknowledgement; 0 or an errno.
[[nodiscard]] int transact(nlmsghdr* request);

/// Sends a request for all there is of a kind, and gives each to `take`; `family`: NETLINK_ROUTE or another; 0 or an errno.
[[nodiscard]] int dump(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& take, int family = NETLINK_ROUTE);

/// The attributes of an answer, behind the header of its kind; and those within one.
[[nodiscard]] std::vector<const nlattr*> attributes_of(const nlmsghdr* answer, std::size_t header_bytes);
[[nodiscard]] std::vector<const nlattr*> attributes_within(const nlattr* attribute);

/// An errno of either, with the remedy where there is one.
[[nodiscard]] std::string because(int error);

}  // namespace cloister::network
