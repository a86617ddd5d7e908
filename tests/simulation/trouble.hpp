#pragma once
/// Makes the faults of a run happen, each at times that the seed draws, ends them all, and knows which alarms they
/// account for.

#include <array>
#include <cstdint>

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
  Trouble(Stage& stage, const TroubleSettings& settings);

  void plan();
  /// Everything is as it should be from now on; who is off is started.
  void end();
  [[nodiscard]] std::uint64_t turned_back() const { return turned_back_; }

 private:
  [[nodiscard]] bool on(Fault fault) const { return has(settings_.faults, fault); }
  /// So many times, at times of the trouble.
  template <class Happens>
  void several(std::uint64_t most, Happens happens);
  void plan_network();
  void plan_boxes();
  void crash(std::size_t box, Crash how);
  void start_later(std::size_t box);
  [[nodiscard]] bool only_crashes() const;
  /// Whether an alarm has a reason among the faults.
  [[nodiscard]] bool explained(const SimulatedBox& box, std::string_view code, std::string_view text) const;

  VirtualWorld& world_;
  Network& network_;
  Witness& witness_;
  std::array<SimulatedBox, 2>& boxes_;
  Light& light_;
  std::array<session::BootstrapAgain, 2> policies_;
  TroubleSettings settings_;
  /// Never both TPMs: that is outside the claim.
  std::size_t tpm_of_ = 0;
  bool ended_ = false;
  std::uint64_t turned_back_ = 0;
  bool poor_blocks_ = false;  // there were some
};

}  // namespace cloister::simulation
