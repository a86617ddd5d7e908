#pragma once
/// What the simulation does to the engine to see whether it would notice: known mistakes, put back one at a time, and a
/// look at each pad that is used and at the bootstrap's secret. Only the simulation's own build of the engine has it (CLOISTER_PLANTED_BUGS);
/// elsewhere every question is answered `false` at compile time.

#include <cstddef>
#include <span>

namespace cloister::session {

enum class PlantedBug {
  none,
  own_counter_ignored,         // the position is what the peer has granted, whatever the own TPM says
  peer_counter_ignored,        // the position is what the own TPM says, whatever was granted
  grant_only_in_memory,        // the peer answers without moving its TPM
  grant_twice,                 // the peer grants what it has granted before
  own_counter_late,            // pads are read without the own counter having moved
  no_lease,                    // pads are read without the peer having been asked
  opened_without_grant,        // the peer goes along with a chunk that it has not granted
  chunk_shared_by_directions,  // one pool for both directions
  rollback_not_noticed,        // no alarm
  record_not_synced,           // the limit is not on disk before the peer is asked
};

#ifdef CLOISTER_PLANTED_BUGS
[[nodiscard]] bool planted(PlantedBug bug);
/// A pad and the hash it encrypts, at the sender.
void saw_pad_used(std::span<const std::byte> pad, std::span<const std::byte> hash);
/// What the TLS exporter gave.
void saw_bootstrap_secret(std::span<const std::byte> secret);
#else
[[nodiscard]] constexpr bool planted(PlantedBug) { return false; }
constexpr void saw_pad_used(std::span<const std::byte>, std::span<const std::byte>) {}
constexpr void saw_bootstrap_secret(std::span<const std::byte>) {}
#endif

}  // namespace cloister::session
