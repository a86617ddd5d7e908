#include "appliance/control/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>

namespace cloister::control {
namespace {

constexpr std::size_t groups_at_first = 64;

/// SO_PEERGROUPS, unix(7): the size is in bytes; where it does not suffice the kernel says what would.
std::optional<std::vector<gid_t>> supplementary_groups(int socket) {
  std::vector<gid_t> groups(groups_at_first);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const bool done = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0;
    if (!done && errno != ERANGE) return std::nullopt;
    groups.resize(size / sizeof(gid_t));
    if (done) return groups;
  }
}

std::optional<unsigned> number_of(const char* name) {
  const auto* const found = ::getgrnam(name);
  return found == nullptr ? std::nullopt : std::optional{found->gr_gid};
}

std::string own_name() {
  const auto* const found = ::getpwuid(::geteuid());
  return found == nullptr ? std::to_string(::geteuid()) : found->pw_name;
}

}  // namespace

std::optional<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  auto groups = supplementary_groups(socket);
  if (!groups) return std::nullopt;
  groups->push_back(credentials.gid);
  return Peer{credentials.uid, std::move(*groups)};
}

Access Access::of_this_system() {
  return {.service_user = ::geteuid(), .viewers = number_of(view_group), .operators = number_of(operate_group)};
}

Right Access::right_of(const Peer& peer) const {
  const auto member = [&](const std::optional<unsigned>& group) {
    return group && std::ranges::contains(peer.groups, *group);
  };
  if (peer.user == 0) return Right::own;
  if (peer.user == service_user || member(operators)) return Right::operate;
  return member(viewers) ? Right::view : Right::nothing;
}

std::string_view name_of(Right right) {
  switch (right) {
    case Right::nothing:
      return "nothing";
    case Right::view:
      return "view";
    case Right::operate:
      return "operate";
    case Right::own:
      return "own";
  }
  return {};
}

std::string refusal(Right lacking) {
  if (lacking == Right::own)
    return std::format("user '{}' may not return this box to its factory state, nothing was done: only root may",
                       own_name());
  const auto* const group = lacking == Right::view ? view_group : operate_group;
  const auto user = own_name();
  return std::format(
      "user '{0}' may not {1} this box, nothing was done: as root say 'usermod -aG {2} {0}', then log in again as "
      "'{0}'",
      user, lacking == Right::view ? "look at" : "operate", group);
}

}  // namespace cloister::control
