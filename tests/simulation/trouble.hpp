#pragma once
/// Makes the faults of a run happen, each at times that the seed draws, ends them all, and knows which alarms they
/// account for. Faults of networks and light are a link's own; those of boxes are of a machine with all its links:
///
///   one link          alice ── bob                        machines: alice, bob
///   two, three boxes  alice ── bob, alice ── carol         machines: alice (both links), bob, carol

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/simulation/faults.hpp"
#include "tests/simulation/stage.hpp"

namespace cloister::simulation {

struct TroubleSettings {
  Faults faults;
  Duration lasts{};
  bool both_tpms = false;             // outside of the claim
  std::uint32_t restarts_served = 1;  // at least, by a sealed reserve
};

class Trouble {
 public:
  Trouble(VirtualWorld& world, const std::vector<std::unique_ptr<Stage>>& links, const TroubleSettings& settings);

  void plan();
  /// Everything is as it should be from now on; who is off is started.
  void end();
  [[nodiscard]] std::uint64_t turned_back() const { return turned_back_; }
  [[nodiscard]] std::uint64_t memories_restored() const { return memories_restored_; }

 private:
  [[nodiscard]] bool on(Fault fault) const { return has(settings_.faults, fault); }
  /// So many times, at times of the trouble.
  template <class Happens>
  void several(std::uint64_t most, Happens happens);
  /// A box's ends of its links.
  using Machine = std::vector<SimulatedBox*>;
  void plan_network(Stage& link);
  void plan_memory();
  void plan_boxes();
  void plan_light(Stage& link);
  void crash(std::size_t machine, Crash how);
  /// One of its ends has crashed by itself: the others do with it.
  void on_crashed(std::size_t machine, Crash how);
  void start_later(std::size_t machine);
  [[nodiscard]] bool only_crashes() const;
  /// Whether an alarm has a reason among the faults.
  [[nodiscard]] bool explained(const Stage& link, const SimulatedBox& box, std::string_view code,
                               std::string_view text) const;

  VirtualWorld& world_;
  const std::vector<std::unique_ptr<Stage>>& links_;
  std::vector<Machine> machines_;
  TroubleSettings settings_;
  /// Never both TPMs of a link: that is outside the claim.
  std::size_t tpm_of_ = 0;
  bool ended_ = false;
  std::uint64_t turned_back_ = 0;
  std::uint64_t memories_restored_ = 0;
  bool poor_blocks_ = false;  // there were some
};

}  // namespace cloister::simulation
