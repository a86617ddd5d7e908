#include "appliance/box/memory_age.hpp"

#include <format>
#include <ranges>

namespace cloister::box {
namespace {

constexpr std::string_view new_generation = "NEW_VMGENID=1";
/// No sleep is as short, no two readings of a clock as far apart.
constexpr std::chrono::milliseconds sleep_least{1};

}  // namespace

std::optional<std::string> MemoryAge::on_kernel_event(std::string_view event) const {
  const auto says = [](auto&& line) { return std::string_view{line} == new_generation; };
  if (!std::ranges::any_of(event | std::views::split('\0'), says)) return std::nullopt;
  return "this virtual machine was put back to a snapshot, cloned or moved: its hypervisor gave it a new generation";
}

std::optional<std::string> MemoryAge::on_kernel_events_lost() const {
  return "the kernel had more events than this process could take: one may have been that of a snapshot put back";
}

std::optional<std::string> MemoryAge::on_clock_set(const drivers::MachineClocks& now) {
  const auto slept_before = slept_;
  slept_ = std::max(slept_, now.since_boot - now.running_before);
  const auto slept = now.since_boot - now.running_after - slept_before;
  if (slept < sleep_least) return std::nullopt;
  return std::format("this machine slept for {:.3f} s, when its memory could be copied",
                     std::chrono::duration<double>(slept).count());
}

}  // namespace cloister::box
