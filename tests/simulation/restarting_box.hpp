#pragma once
/// A box that is little more than its peer session: the real engine, blocks that cost nothing to make, and around it a
/// disk and a TPM that take their time, keep what was done when the power fails, and can be turned back.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/session/session.hpp"
#include "tests/seeded_random.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

/// What outlives a power cut.
struct Durable {
  std::optional<std::vector<std::byte>> record;
  std::uint64_t own = 1;
  std::uint64_t granted = 1;
};

enum class TurnedBack { nothing, disk, disk_and_tpm };

class RestartingBox {
 public:
  RestartingBox(VirtualWorld& world, Network& network, std::size_t number, std::uint64_t seed, double tpm_failure);

  void start();
  void crash();
  [[nodiscard]] bool running() const { return session_ != nullptr; }
  void take_snapshot() { snapshot_ = durable_; }
  /// While it is off.
  void turn_back(TurnedBack what);
  /// Begins a block; the client's part.
  void begin_block();

  [[nodiscard]] bool settled() const;
  [[nodiscard]] std::uint64_t blocks_held() const { return blocks_held_; }
  [[nodiscard]] std::uint64_t sealed_resumptions() const { return sealed_resumptions_; }
  [[nodiscard]] std::uint64_t bootstraps() const { return bootstraps_; }
  [[nodiscard]] std::uint64_t counter_writes() const { return counter_writes_; }
  [[nodiscard]] const std::vector<std::string>& alarms() const { return alarms_; }
  /// Disks that were put back after a chunk had been opened, without an alarm at the start.
  [[nodiscard]] std::uint64_t unnoticed() const { return unnoticed_; }
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

 private:
  struct Work {
    std::optional<std::vector<std::byte>> record;
    session::Counter counter{};
    std::uint64_t to = 0;
  };
  void drain();
  void do_next_work();
  void apply(const Work& work);
  void on_held(const session::BlockHeld& held);
  void say(std::string text);
  template <class Function>
  void with_session(Function function);

  VirtualWorld& world_;
  Network& network_;
  std::size_t number_;
  std::uint64_t seed_;
  double tpm_failure_;
  std::unique_ptr<test::SeededRandom> random_;
  std::unique_ptr<session::Session> session_;
  std::uint64_t life_ = 0;
  std::uint64_t wake_ = 0;
  Durable durable_;
  Durable snapshot_;
  bool alarm_expected_ = false;
  std::deque<Work> work_;
  bool working_ = false;
  std::optional<session::BlockId> next_block_;
  bool block_open_ = false;
  std::uint64_t blocks_held_ = 0;
  std::uint64_t sealed_resumptions_ = 0;
  std::uint64_t bootstraps_ = 0;
  std::uint64_t counter_writes_ = 0;
  std::uint64_t unnoticed_ = 0;
  std::vector<std::string> alarms_;
  std::vector<std::string> log_;
};

}  // namespace cloister::simulation
