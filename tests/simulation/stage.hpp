#pragma once
/// Two boxes, the networks and the fibre between them, and who watches: what every run is played on. A run of three
/// boxes has two such stages in one world; what is the one box's in both is one machine (trouble.hpp).

#include <array>
#include <memory>
#include <string>

#include "tests/simulation/bootstraps.hpp"
#include "tests/simulation/light.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/simulated_box.hpp"

namespace cloister::simulation {

/// How large things are in a run, beside what goes wrong.
struct Scale {
  std::uint64_t reserve_bits = 1024;
  std::uint32_t stock_keys_max = 8;
  std::chrono::milliseconds rekey_interval{1000};
  bool hybrid = false;
  session::SealedLayout sealed{.chunks = 3, .pads = 2};
  std::uint32_t leases_at_once = 16;
  std::array<session::BootstrapAgain, 2> bootstrap_again{};  // of each box
  session::Policy policy{};
  vpn::WhenKeysRunOut when_keys_run_out{};
  std::uint64_t pad_bytes = 0;                            // not 0: the tunnel is under one-time pads
  std::array<std::chrono::milliseconds, 2> quarantine{};  // of each box
};

/// Who is at the ends of a link; the first connects.
using Names = std::array<std::string, 2>;

struct Stage {
  Stage(VirtualWorld& world, Speed speed, std::uint64_t seed, Bootstrap bootstrap, const Scale& scale,
        const Names& names = {"alice", "bob"});

  /// The boxes have met before: what serves restarts is on both disks.
  void provide_sealed_reserve();
  /// Blocks, and packets both ways, from now on.
  void begin();
  /// Both ways, of what is sent from now on.
  [[nodiscard]] bool delivers();

  VirtualWorld& world;
  Names names;
  Witness witness;
  Scale scale;
  std::unique_ptr<Light> light;
  Network network;
  std::array<SimulatedBox, 2> boxes;

 private:
  SimulatedBox box(std::size_t number, std::uint64_t seed, Bootstrap bootstrap);
  void plan_light();
  void plan_packets();
  void plan_operator(std::size_t box);
  [[nodiscard]] bool wanted(const SimulatedBox& bob) const;
};

}  // namespace cloister::simulation
