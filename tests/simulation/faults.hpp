#pragma once
/// What goes wrong in a run. Each kind is in a run or not, by the seed, so that some runs are calm and some have it all.

#include <bitset>
#include <span>
#include <string>
#include <string_view>

#include "tests/simulation/speed.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

enum class Fault : std::uint8_t {
  loss,               // of datagrams; of pieces of the stream, by an attacker
  delay,              // up to a tenth of a second
  repetition,         //
  reordering,         //
  corruption,         //
  cut,                // of the connection; one end may hear of it by silence only
  partition,          // one way or both
  replay,             // of anything ever sent: into a stream, as a connection of its own, as datagrams
  process_crash,      //
  crash_at_io,        // before any call to the world outside
  power_cut,          // what was not synced is lost, torn, reordered
  snapshot_restored,  // the disk
  tpm_rollback,       // of one box: its TPM alone, or with its disk
  tpm_refusal,        //
  tpm_delay,          // for seconds
  disk_error,         //
  clock_jump,         // ahead, and the clock on the wall either way
  eavesdropper,       // who disturbs the light
  exhausted_reserve,  // blocks that pay less than their tags cost
  memory_restored,    // a box's memory, with its disk and its TPM or without them; the kernel says so
  suspect_device,     // the watch over one finds something
  end
};

using Faults = std::bitset<static_cast<std::size_t>(Fault::end)>;

[[nodiscard]] std::string_view name_of(Fault fault);
[[nodiscard]] std::string names_of(const Faults& faults);
[[nodiscard]] inline bool has(const Faults& faults, Fault fault) {
  return faults.test(static_cast<std::size_t>(fault));
}

/// One run in eight is calm, and two are all about restarts. In one of sixteen of the others a memory is put back,
/// where the speed has copies of it; in one of four a device is suspect.
[[nodiscard]] Faults draw_faults(VirtualWorld& world, std::uint64_t seed, Speed speed);

}  // namespace cloister::simulation
