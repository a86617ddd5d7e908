#pragma once
/// The blocks of a session that are between their first frame and being held or burnt.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/transcript.hpp"
#include "appliance/wire/names.hpp"

namespace cloister::session {

using wire::Authenticator;

/// Who began a block decides whether it is authenticated under the bootstrap's keys or QKD keys: by what the beginner's
/// frames were under at that time. Under QKD keys both decide whether pads of the reserve pay for it, by their CLOSE.
struct OpenBlock {
  std::optional<Transcript> paid;     // whose tags pads of the reserve encrypt
  std::optional<Transcript> derived;  // and derived pads; a block that may end either way has both
  bool by_qkd = false;
  bool own_pays = false;  // as said with the notes
  bool peer_pays = false;
  std::optional<std::vector<std::byte>> own_note;  // our CLOSE is sent
  std::optional<std::vector<std::byte>> peer_note;
  bool tag_sent = false;
  wire::KeyName own_pad{};     // that our tag named
  bool tag_verified = false;   // the peer's tag held: pending
  bool peer_verified = false;  // the peer says so of ours
  void add(std::size_t direction, std::span<const std::byte> body) {
    if (paid) paid->add(direction, body);
    if (derived) derived->add(direction, body);
  }
  [[nodiscard]] bool closed() const { return own_note && peer_note; }
  /// When it is closed.
  [[nodiscard]] Authenticator by() const {
    if (!by_qkd) return Authenticator::bootstrap;
    return own_pays && peer_pays ? Authenticator::qkd : Authenticator::computational;
  }
  [[nodiscard]] const Transcript& transcript() const { return by() == Authenticator::qkd ? *paid : *derived; }
  [[nodiscard]] bool held() const {
    return tag_sent && tag_verified && (peer_verified || hooks::planted(hooks::PlantedBug::held_too_early));
  }
};

class BlockBook {
 public:
  /// Those in the making, and those that either box keeps back when they are made.
  static constexpr std::size_t open_max = 640;
  static constexpr std::size_t abandoned_kept = open_max;

  [[nodiscard]] OpenBlock* find(wire::BlockId block);
  /// Null when too many are open or the number was used before.
  [[nodiscard]] OpenBlock* open(wire::BlockId block, OpenBlock begun);
  void abandon(wire::BlockId block);
  [[nodiscard]] bool abandoned(wire::BlockId block) const { return abandoned_.contains(block); }
  void finish(wire::BlockId block) { open_.erase(block); }
  [[nodiscard]] bool any_under_bootstrap() const;
  /// How many pads of this box are promised to blocks that wait for the peer's CLOSE.
  [[nodiscard]] std::size_t promised_pads() const;
  /// Ends the session's blocks; what was not held is returned.
  [[nodiscard]] std::vector<wire::BlockId> clear();
  /// Blocks before this were begun, or belong to an earlier session.
  void begin_session(wire::BlockId first) { next_ = first; }
  [[nodiscard]] wire::BlockId next() const { return next_; }

 private:
  std::map<wire::BlockId, OpenBlock> open_;
  std::set<wire::BlockId> abandoned_;
  wire::BlockId next_{1};
};

}  // namespace cloister::session
