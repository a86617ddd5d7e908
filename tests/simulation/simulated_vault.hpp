#pragma once
/// What keeps a box's sealed reserve: a disk and a TPM, and between them and the engine the steps of drivers/vault.hpp:
/// the record encrypted, written beside, synced, renamed, its directory synced; a counter moved one by one. Power can go
/// before each step. What was not synced is then on the disk or not, sector by sector and in any order.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "appliance/session/sealed_reserve.hpp"
#include "crypto/aead.hpp"
#include "crypto/error.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

/// What the TPM and the disk do in a run, and when the trouble is over: nothing.
struct VaultTrouble {
  double tpm_refuses = 0;
  double tpm_slow = 0;  // takes seconds
  double disk_error = 0;
};

class SimulatedDisk {
 public:
  void write_beside(std::vector<std::byte> bytes);
  void sync_beside();
  void rename();
  void sync_directory();
  /// Nothing is lost: the kernel goes on.
  void flush();
  /// What was not synced is there or not, by chance.
  void fail_power(VirtualWorld& world);

  [[nodiscard]] const std::optional<std::vector<std::byte>>& record() const { return file_.cached; }

 private:
  struct File {
    std::optional<std::vector<std::byte>> cached;   // as who reads it now sees it
    std::optional<std::vector<std::byte>> durable;  // as it would be after a power cut
  };
  File file_;
  File beside_;
  bool renamed_ = false;  // not yet in the durable directory
};

enum class TurnedBack { nothing, disk, tpm, disk_and_tpm };

class SimulatedVault {
 public:
  /// `at_io(what)` is false once the box is no more.
  SimulatedVault(VirtualWorld& world, std::string box, std::function<bool(const char*)> at_io);
  void set(const VaultTrouble& trouble) { trouble_ = trouble; }

  /// What an earlier life left, before the run.
  void provide(std::span<const std::byte> record);
  [[nodiscard]] std::uint64_t counter(session::Counter counter) const {
    return counter == session::Counter::own ? kept_.tpm.own : kept_.tpm.granted;
  }
  /// The link has bootstrapped by itself, as far as a TPM knows that was not put back to before it.
  void on_bootstrapped() { kept_.tpm.bootstrapped = true; }
  [[nodiscard]] bool bootstrapped() const { return kept_.tpm.bootstrapped; }
  /// As a start finds it.
  [[nodiscard]] session::KeptReserve open();
  void store(std::vector<std::byte> record);
  void move(session::Counter counter, std::uint64_t to);
  std::function<void(const Result<std::uint64_t>&)> on_done;

  void process_dies();
  void power_fails();
  void take_snapshot();
  /// While the box is off. Whether the next start must raise an alarm.
  [[nodiscard]] bool turn_back(TurnedBack what);
  [[nodiscard]] bool busy() const { return !work_.empty(); }
  /// The TPM or the disk has refused something.
  [[nodiscard]] bool refused() const { return refused_; }
  /// A record has come to the disk, ever.
  [[nodiscard]] bool kept_any() const { return kept_any_; }

 private:
  struct Work {
    std::optional<std::vector<std::byte>> record;
    session::Counter counter{};
    std::uint64_t to = 0;
  };
  struct Counters {
    std::uint64_t own = 1;
    std::uint64_t granted = 1;
    bool bootstrapped = false;  // what is true, not what it says
  };
  struct Kept {
    SimulatedDisk disk;
    Counters tpm;
    bool counters_made = false;
  };
  void next();
  void step(Duration takes, std::move_only_function<void()> what);
  void store_step(int number);
  void move_step();
  void done(Result<std::uint64_t> outcome);
  [[nodiscard]] std::optional<crypto::SecretVector<std::byte>> opened(std::span<const std::byte> file) const;
  [[nodiscard]] std::optional<std::uint64_t> own_limit() const;
  [[nodiscard]] std::vector<std::byte> sealed(std::span<const std::byte> record);
  [[nodiscard]] std::uint64_t& of(session::Counter counter) {
    return counter == session::Counter::own ? kept_.tpm.own : kept_.tpm.granted;
  }

  VirtualWorld& world_;
  std::string box_;
  std::function<bool(const char*)> at_io_;
  VaultTrouble trouble_;
  crypto::Aes256Gcm cipher_;
  std::uint64_t nonces_ = 0;
  Kept kept_;
  Kept snapshot_;
  Counters synced_;  // where counters are in a file
  std::deque<Work> work_;
  bool working_ = false;
  std::uint64_t life_ = 0;
  bool refused_ = false;
  bool kept_any_ = false;
};

}  // namespace cloister::simulation
