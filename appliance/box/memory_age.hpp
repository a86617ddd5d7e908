#pragma once
/// Whether this machine's memory may be older than the world: a virtual machine was put back to a snapshot or cloned, or
/// the machine has slept, when its memory could be copied. What such a memory holds may have been used already: the next
/// pad, the next number of a packet under an SA's key, the state of a generator.
///
///   hypervisor ──vmgenid──▶ kernel ──uevent NEW_VMGENID=1──▶ at once
///   suspend, resume: the clock since boot goes on, the running one stands; their distance grows
///
/// A hypervisor that gives its machine no vmgenid, and does not put it to sleep either, is not noticed.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/drivers/memory_watch.hpp"

namespace cloister::box {

class MemoryAge {
 public:
  explicit MemoryAge(const drivers::MachineClocks& now) : slept_{now.since_boot - now.running_before} {}

  /// Why, for people, when it may be.
  [[nodiscard]] std::optional<std::string> on_kernel_event(std::string_view event) const;
  [[nodiscard]] std::optional<std::string> on_kernel_events_lost() const;
  [[nodiscard]] std::optional<std::string> on_clock_set(const drivers::MachineClocks& now);

 private:
  std::chrono::nanoseconds slept_;  // since boot, at most, as far as it was looked at
};

}  // namespace cloister::box
