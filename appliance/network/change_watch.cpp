#include "appliance/network/change_watch.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <format>
#include <utility>

#include "appliance/network/netlink.hpp"

namespace cloister::network {

Result<ChangeWatch> ChangeWatch::start(Of what) {
  const bool filter = what == Of::packet_filter;
  drivers::FileDescriptor socket{
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, filter ? NETLINK_NETFILTER : NETLINK_ROUTE)};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  const unsigned group = filter ? unsigned{NFNLGRP_NFTABLES} : unsigned{RTNLGRP_LINK};
  address.nl_groups = 1U << (group - 1U);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(std::format("cannot listen for changes of {}: {}", filter ? "the packet filter" : "interfaces",
                            because(errno)));
  return ChangeWatch{std::move(socket)};
}

void ChangeWatch::forget() const {
  char byte = 0;
  // ENOBUFS, said once: there was more than the kernel kept.
  while (::recv(socket_.get(), &byte, sizeof byte, 0) >= 0 || errno == ENOBUFS || errno == EINTR) {
  }
}

}  // namespace cloister::network
