#pragma once
/// Who may do what on the control socket. Anyone may connect; the kernel says who it is, the system's groups what that
/// user may.
///
///   root                            everything
///   the service's own user          everything but a factory reset
///   members of cloister-operate     likewise
///   members of cloister-view        look
///   everybody else                  nothing

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloister::control {

enum class Right { nothing, view, operate, own };  // each holds those before it

inline constexpr const char* view_group = "cloister-view";
inline constexpr const char* operate_group = "cloister-operate";

/// Who is at the other end of a socket, as of its connection.
struct Peer {
  unsigned user = 0;
  std::vector<unsigned> groups;  // the first one and the supplementary ones
};

/// None: the kernel does not say.
[[nodiscard]] std::optional<Peer> peer_of(int socket);

struct Access {
  unsigned service_user = 0;
  std::optional<unsigned> viewers;    // a group's number; none: this system has no such group
  std::optional<unsigned> operators;  // likewise

  /// Of the user who runs this program, and of the groups as the system has them now.
  [[nodiscard]] static Access of_this_system();
  [[nodiscard]] Right right_of(const Peer& peer) const;
};

[[nodiscard]] std::string_view name_of(Right right);

/// What the user who runs this program is told who lacks a right, and how it is given.
[[nodiscard]] std::string refusal(Right lacking);

}  // namespace cloister::control
