#include "appliance/network/netlink.hpp"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace cloister::network {
namespace {

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

using Take = std::function<void(const nlmsghdr*)>;

/// Sends the request and reads until the kernel has said all.
int converse(int family, nlmsghdr* request, std::uint16_t flags, const Take& take) {
  const Socket socket{mnl_socket_open2(family, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
  request->nlmsg_flags |= static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request->nlmsg_seq = 1;
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return errno;
  const auto each = [](const nlmsghdr* message, void* data) {
    (*static_cast<const Take*>(data))(message);
    return MNL_CB_OK;
  };
  std::vector<char> answer(static_cast<std::size_t>(MNL_SOCKET_DUMP_SIZE));
  for (;;) {
    const auto bytes = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
    if (bytes < 0) return errno;
    const int more = mnl_cb_run(answer.data(), static_cast<std::size_t>(bytes), 1, mnl_socket_get_portid(socket.get()),
                                each, const_cast<Take*>(&take));
    if (more < 0) return errno;
    if (more == MNL_CB_STOP) return 0;
  }
}

int collect(const nlattr* attribute, void* data) {
  static_cast<std::vector<const nlattr*>*>(data)->push_back(attribute);
  return MNL_CB_OK;
}

}  // namespace

std::vector<const nlattr*> attributes_of(const nlmsghdr* answer, std::size_t header_bytes) {
  std::vector<const nlattr*> attributes;
  mnl_attr_parse(answer, static_cast<unsigned>(header_bytes), collect, &attributes);
  return attributes;
}

std::vector<const nlattr*> attributes_within(const nlattr* attribute) {
  std::vector<const nlattr*> attributes;
  mnl_attr_parse_nested(attribute, collect, &attributes);
  return attributes;
}

int transact(nlmsghdr* request) {
  return converse(NETLINK_ROUTE, request, NLM_F_ACK, [](const nlmsghdr*) {});
}

int dump(nlmsghdr* request, const Take& take, int family) { return converse(family, request, NLM_F_DUMP, take); }

std::string because(int error) {
  return error == EPERM ? "the kernel refuses it: run cloister-netd as root or with CAP_NET_ADMIN"
                        : std::string{std::strerror(error)};
}

}  // namespace cloister::network
