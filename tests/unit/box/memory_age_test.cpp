// What tells that this machine's memory may be older than the world, and what does not.
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "appliance/box/memory_age.hpp"

namespace cloister::box {
namespace {
using namespace std::chrono_literals;
using namespace std::string_literals;

drivers::MachineClocks clocks(std::chrono::nanoseconds running, std::chrono::nanoseconds slept,
                              std::chrono::nanoseconds reading = 1us) {
  return {.running_before = running, .since_boot = running + reading / 2 + slept, .running_after = running + reading};
}

TEST_CASE("A virtual machine's new generation puts its memory in doubt, no other event of the kernel does", "[box]") {
  const MemoryAge age{clocks(1h, 0s)};
  const auto head = "change@/devices/platform/QEMUVGID:00\0ACTION=change\0SUBSYSTEM=platform\0"s;
  CHECK(age.on_kernel_event(head + "NEW_VMGENID=1\0SEQNUM=823\0"s));
  CHECK(age.on_kernel_event(head + "SEQNUM=823\0NEW_VMGENID=1"s));
  CHECK_FALSE(age.on_kernel_event(""));
  CHECK_FALSE(age.on_kernel_event(head + "SEQNUM=823\0"s));
  CHECK_FALSE(age.on_kernel_event(head + "NEW_VMGENID=10\0"s));
  CHECK_FALSE(age.on_kernel_event(head + "OLD_NEW_VMGENID=1\0"s));
  CHECK_FALSE(age.on_kernel_event("change@/devices/NEW_VMGENID=1\0ACTION=change\0"s));
  CHECK(age.on_kernel_events_lost());
}

TEST_CASE("A sleep puts the memory in doubt once, a clock that is set does not", "[box]") {
  MemoryAge age{clocks(1h, 5s)};
  CHECK_FALSE(age.on_clock_set(clocks(2h, 5s)));  // somebody has set the clock on the wall
  const auto why = age.on_clock_set(clocks(3h, 35s));
  REQUIRE(why);
  CHECK(why->contains("slept for 30.000 s"));
  CHECK_FALSE(age.on_clock_set(clocks(4h, 35s)));
  CHECK(age.on_clock_set(clocks(5h, 36s)));
  // A process that was held up between its looks at the clocks has not slept.
  CHECK_FALSE(age.on_clock_set(clocks(6h, 36s, 20s)));
  CHECK_FALSE(age.on_clock_set(clocks(7h, 36s)));
}

}  // namespace
}  // namespace cloister::box
