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

/// Who began a block decides by what it is authenticated: by what the beginner's frames were under at that time.
struct OpenBlock {
  Transcript transcript;
  bool by_qkd = false;
  std::optional<std::vector<std::byte>> own_note;  // our CLOSE is sent
  std::optional<std::vector<std::byte>> peer_note;
  bool tag_sent = false;
  wire::KeyName own_pad{};     // that our tag named
  bool tag_verified = false;   // the peer's tag held: pending
  bool peer_verified = false;  // the peer says so of ours
  [[nodiscard]] bool closed() const { return own_note && peer_note; }
  [[nodiscard]] bool held() const {
    return tag_sent && tag_verified && (peer_verified || hooks::planted(hooks::PlantedBug::held_too_early));
  }
};

class BlockBook {
 public:
  static constexpr std::size_t open_max = 32;
  static constexpr std::size_t abandoned_kept = 64;

  [[nodiscard]] OpenBlock* find(wire::BlockId block);
  /// Null when too many are open or the number was used before.
  [[nodiscard]] OpenBlock* open(wire::BlockId block, const crypto::HashKey& key, bool by_qkd);
  void abandon(wire::BlockId block);
  [[nodiscard]] bool abandoned(wire::BlockId block) const { return abandoned_.contains(block); }
  void finish(wire::BlockId block) { open_.erase(block); }
  [[nodiscard]] bool any_under_bootstrap() const;
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
