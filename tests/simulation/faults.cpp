#include "tests/simulation/faults.hpp"

namespace cloister::simulation {

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::loss:
      return "loss";
    case Fault::delay:
      return "delay";
    case Fault::repetition:
      return "repetition";
    case Fault::reordering:
      return "reordering";
    case Fault::corruption:
      return "corruption";
    case Fault::cut:
      return "cut";
    case Fault::partition:
      return "partition";
    case Fault::replay:
      return "replay";
    case Fault::process_crash:
      return "process-crash";
    case Fault::crash_at_io:
      return "crash-at-io";
    case Fault::power_cut:
      return "power-cut";
    case Fault::snapshot_restored:
      return "snapshot-restored";
    case Fault::tpm_rollback:
      return "tpm-rollback";
    case Fault::tpm_refusal:
      return "tpm-refusal";
    case Fault::tpm_delay:
      return "tpm-delay";
    case Fault::disk_error:
      return "disk-error";
    case Fault::clock_jump:
      return "clock-jump";
    case Fault::eavesdropper:
      return "eavesdropper";
    case Fault::exhausted_reserve:
      return "exhausted-reserve";
    case Fault::memory_restored:
      return "memory-restored";
    case Fault::suspect_device:
      return "suspect-device";
    case Fault::end:
      break;
  }
  return "";
}

std::string names_of(const Faults& faults) {
  std::string names;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (!faults.test(i)) continue;
    if (!names.empty()) names += ", ";
    names += name_of(static_cast<Fault>(i));
  }
  return names.empty() ? "calm" : names;
}

Faults draw_faults(VirtualWorld& world, std::uint64_t seed, Speed speed) {
  Faults faults;
  const auto kind = world.below(8);
  if (kind == 0) return faults;
  const bool restarts = kind <= 2;
  const double share = restarts ? 0.1 : std::array{0.15, 0.3, 0.6}[world.below(3)];
  constexpr auto drawn = static_cast<std::size_t>(Fault::memory_restored);
  for (std::size_t i = 0; i < drawn; ++i) faults.set(i, world.happens(share));
  if (restarts) {
    for (const auto fault : {Fault::process_crash, Fault::power_cut, Fault::snapshot_restored, Fault::tpm_rollback})
      faults.set(static_cast<std::size_t>(fault));
  }
  // Of its own stream, so that what else a seed brings does not depend on it.
  faults.set(drawn, speed == Speed::store && std::mt19937_64{~seed}() % 16 == 0);
  faults.set(static_cast<std::size_t>(Fault::suspect_device), std::mt19937_64{~seed + 1}() % 4 == 0);
  return faults;
}

}  // namespace cloister::simulation
