#pragma once
/// Which tunnels of a link both boxes have. Each box says its list when a session comes up, and again when its
/// configuration changes; a tunnel runs while it is on both lists, word for word.
///
///   LIST{version, tunnels} ─────▶
///                          ◀───── SEEN{version}
///
/// A tunnel that a box has added runs there once the peer has seen the list that first had it. What the peer said of a
/// tunnel of that name before, while it was another or had gone, has then arrived, as messages keep their order.
///
/// An engine: messages in and out, no I/O.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "appliance/wire/names.hpp"
#include "crypto/error.hpp"

namespace cloister::vpn {

/// What both boxes must have alike of a tunnel: `terms` are `name=value` lines, in the same words on both.
struct TunnelTerms {
  std::string name;
  std::string terms;
  bool operator==(const TunnelTerms&) const = default;
};

[[nodiscard]] wire::TunnelId id_of(const TunnelTerms& tunnel);

inline constexpr std::size_t tunnel_name_bytes_max = 128;
inline constexpr std::size_t tunnel_terms_bytes_max = 65'535;
inline constexpr std::size_t roster_tunnels_max = 4096;
/// Of a whole list.
inline constexpr std::size_t roster_bytes_max = std::size_t{4} << 20U;

struct RosterList {
  std::uint32_t version = 0;
  std::vector<TunnelTerms> tunnels;
  bool operator==(const RosterList&) const = default;
};
struct RosterSeen {
  std::uint32_t version = 0;
};

/// An error: the list is longer than two boxes may say; the text names the remedy.
[[nodiscard]] Result<std::vector<std::byte>> encode(const RosterList& list);
/// Nothing for what is no list: cut short, too long, two tunnels of one name, bytes behind it.
[[nodiscard]] std::optional<RosterList> decode_roster_list(std::span<const std::byte> payload);

class Roster {
 public:
  struct Message {
    std::uint8_t type;
    std::vector<std::byte> payload;
  };
  /// Tunnels that are on one list only, or differ, by name; and how, for people.
  using Differences = std::map<std::string, std::string>;

  Roster(std::string peer_box, std::vector<TunnelTerms> tunnels);

  void on_session_up();
  void on_session_down();
  /// From now on these are this box's.
  void change(std::vector<TunnelTerms> tunnels);
  [[nodiscard]] Result<> on_message(std::uint8_t type, std::span<const std::byte> payload);
  [[nodiscard]] std::optional<Message> next_message();

  /// Both have it, and what arrives for it is meant for it.
  [[nodiscard]] bool shared(wire::TunnelId tunnel) const;
  /// The peer has said its list of this session, and it is not there.
  [[nodiscard]] bool missing(wire::TunnelId tunnel) const { return peer_ && !theirs_.contains(tunnel); }
  /// Empty until the peer's list of this session has come.
  [[nodiscard]] const Differences& differences() const { return differences_; }

 private:
  void say();
  void compare();

  std::string peer_box_;
  std::vector<TunnelTerms> own_;
  std::map<wire::TunnelId, std::uint32_t> since_;  // own tunnels: the version that first had them
  std::uint32_t version_ = 0;
  std::uint32_t seen_ = 0;  // of own versions, by the peer
  bool session_ = false;
  std::optional<RosterList> peer_;
  std::map<wire::TunnelId, std::string> theirs_;
  Differences differences_;
  std::deque<Message> messages_;
};

}  // namespace cloister::vpn
