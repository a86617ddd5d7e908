#pragma once
/// One box of the simulation: the product's link with its real engines (simulated_memory.hpp); around it virtual time,
/// simulated networks, a disk and a TPM; and a plug that can be pulled at any of its calls to the world outside.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/simulation/simulated_memory.hpp"
#include "tests/simulation/simulated_vault.hpp"
#include "tests/simulation/virtual_world.hpp"
#include "tests/simulation/witness.hpp"

namespace cloister::simulation {

/// What a box's tunnel has seen of the packets that the other box sent, by their numbers.
struct Traffic {
  std::uint64_t sent = 0;
  std::uint64_t without_key = 0;
  std::set<std::uint64_t> received;
  std::uint64_t received_twice = 0;
  std::uint64_t unknown_sa = 0;
  std::uint64_t replayed = 0;
  std::uint64_t not_authentic = 0;  // under an SA that both boxes have: their keys differ
  std::uint64_t forgeries_taken = 0;
};

enum class Crash { process, power };

class SimulatedBox final : private Outside {
 public:
  /// Each life of the service unseals its own.
  using Unseal = std::function<crypto::Credentials()>;
  using MakeChain = SimulatedMemory::MakeChain;

  SimulatedBox(VirtualWorld& world, Network& network, Witness& witness, std::size_t number, box::LinkSettings settings,
               Unseal unseal, std::uint64_t seed, MakeChain make_chain);
  /// What outlives the service is kept from now on.
  void use_vault() { with_vault_ = true; }
  [[nodiscard]] SimulatedVault& vault() { return vault_; }
  [[nodiscard]] const SimulatedVault& vault() const { return vault_; }

  void start();
  /// The service ends at once, without its memory.
  void crash(Crash how);
  /// After that many more calls to the world outside.
  void crash_at_io(std::uint64_t calls, Crash how) { doom_ = Doom{calls, how}; }
  void forget_doom() { doom_.reset(); }
  [[nodiscard]] bool running() const { return memory_ != nullptr && !doomed_; }
  /// It has crashed by itself, and waits to be started.
  std::function<void(Crash)> on_crashed = [](Crash) {};
  /// Called with each alarm's code and text.
  std::function<void(const std::string&, const std::string&)> on_alarm = [](const auto&, const auto&) {};
  /// Its clock jumps ahead; the one on the wall is so far ahead from then on.
  void jump(Duration ahead, std::int64_t wall_ahead_ms);
  /// While it is off. Whether an alarm is due: the last time decides, for it may have put back the TPM as well.
  void turn_back(TurnedBack what) {
    if (what != TurnedBack::nothing) rollback_alarm_due_ = vault_.turn_back(what);
  }

  /// A snapshot can be taken of its memory from now on: each life has a copy beside it.
  void keep_copies();
  /// Of memory, disk and TPM, as soon as nothing is between them. Only of a life that runs.
  void take_memory_snapshot();
  /// That is put back, `what` with it, and the machine goes on from there. The kernel says so before anything else
  /// happens, and the service begins anew.
  void restore_memory(TurnedBack what);
  [[nodiscard]] bool has_memory_snapshot() const { return copy_ && copy_->frozen(); }
  void drop_snapshot() { copy_.reset(); }

  /// Its operator lets it bootstrap once, or is told that nothing waits for him.
  void allow_bootstrap();

  /// Called when a receiving SA is installed: the responder has accepted a key, or the initiator has its acceptance.
  std::function<void()> on_installed_inbound = [] {};
  /// Called with each block that the chain has made, before the link has it.
  std::function<void(distill::Amplified&)> on_amplified = [](distill::Amplified&) {};

  /// Whether the receiver's frames are taken: there is a session, and the chain is not full.
  [[nodiscard]] bool watches() const { return running() && memory_->watches(); }
  /// Bob's detections, as the device would hand them over; only while `watches()`.
  void on_frame(const hal::DetectionFrame& frame);
  /// Each life's chain keeps blocks back for so long from now on.
  void keep_back(std::chrono::milliseconds quarantine) { quarantine_ = quarantine; }
  /// There was so much light, and the watch over its device has found nothing.
  void watched(Duration light, std::uint64_t clicks);
  /// It has.
  void suspect();
  /// Sends one packet through the tunnel.
  void send_packet();
  /// After each event: what must hold between any two.
  void look();

  [[nodiscard]] const box::Link& link() const { return memory_->link(); }
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] std::uint64_t alarms() const { return alarms_; }
  /// It has said AUTHENTICATION_LOWERED in this life, and not that it is over.
  [[nodiscard]] bool lowered() const { return lowered_; }
  /// The lines of the account log.
  [[nodiscard]] const std::vector<std::string>& accounts() const { return accounts_; }
  /// Of the one tunnel.
  [[nodiscard]] vpn::RekeyStatus tunnel() const { return link().tunnel_status(link().tunnels().front().id); }
  [[nodiscard]] std::uint32_t stock_keys() const { return link().stock(link().tunnels().front().id).keys; }
  [[nodiscard]] bool lacks_keys() const { return link().lacks_keys(link().tunnels().front().id); }
  /// Up, and authenticated by QKD keys, or what is derived from them.
  [[nodiscard]] bool settled() const;
  /// Its tunnel's policy may raise that alarm.
  [[nodiscard]] bool may_bridge(std::string_view alarm) const;
  [[nodiscard]] std::uint64_t blocks_held() const { return blocks_held_; }
  [[nodiscard]] std::uint64_t blocks_computational() const { return blocks_computational_; }
  [[nodiscard]] session::Policy policy() const { return settings_.session.policy; }
  [[nodiscard]] std::uint64_t bootstraps() const { return bootstraps_; }
  [[nodiscard]] std::uint64_t allowances() const { return allowances_; }
  [[nodiscard]] std::uint64_t sealed_resumptions() const { return sealed_resumptions_; }
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }

 private:
  struct Doom {
    std::uint64_t calls = 0;
    Crash how{};
  };

  [[nodiscard]] bool begin_work() override;
  void connect(Instant not_before) override;
  void transmit(std::vector<std::byte> bytes) override;
  void disconnect() override;
  void store_record(std::vector<std::byte> record) override;
  void move_counter(session::Counter counter, std::uint64_t to) override;
  void info(const std::string& code, const std::string& subject, const std::string& text) override;
  void alarm(const std::string& code, const std::string& subject, const std::string& text) override;
  void record(const std::string& account_line) override;
  bool book_epsilon(double total) override;
  void session_ended() override { witness_.on_session_end(number_); }
  void amplified(distill::Amplified& made) override;
  void withdrawn(std::span<const std::byte> key) override { witness_.on_withdrawn(key); }
  void installed(vpn::Spi spi, const vpn::SaKey& key, bool inbound) override;
  void installed_pad(bool inbound) override;

  [[nodiscard]] std::unique_ptr<SimulatedMemory> make_memory(bool copy);
  /// The service is gone, and what it had in memory.
  void end_life();
  void on_block_held(std::string_view account_line);
  [[nodiscard]] bool policy_allows(std::string_view label) const;
  /// What the status says of the tunnel's key.
  void look_at_label();
  /// Under the key that it has, and at its age.
  [[nodiscard]] bool may_send(const vpn::RekeyStatus& status) const;
  /// The box is about to do something that the world sees; false when it is no more.
  bool at_io(const char* what);
  /// Something comes from outside, to the memory and to its copy.
  template <class Function>
  void each(const Function& function);
  void on_received(const std::vector<std::byte>& bytes, bool forged);
  void on_datagram(const std::vector<std::byte>& datagram, bool forged);
  /// The next packet under a one-time pad, as a datagram; empty where there is no pad for it.
  [[nodiscard]] std::vector<std::byte> seal_under_pad(vpn::PadTable& pads, std::uint64_t number);
  [[nodiscard]] std::vector<std::byte> seal(std::uint64_t number);
  void count(SimulatedMemory& memory, const std::vector<std::byte>& datagram, bool forged);
  void count_under_pad(vpn::InboundPadSa& sa, const std::vector<std::byte>& datagram, bool forged);
  void count_packet(std::span<const std::byte> packet);
  void on_bootstrapped();

  VirtualWorld& world_;
  Network& network_;
  Witness& witness_;
  std::size_t number_;
  std::string name_;
  Generators generators_;  // as the last life left them
  MakeChain make_chain_;
  std::chrono::milliseconds quarantine_{};
  box::LinkSettings settings_;
  Unseal unseal_;
  SimulatedVault vault_;
  bool with_vault_ = false;

  Duration ahead_{};
  std::uint64_t life_ = 0;
  std::optional<Doom> doom_;
  bool doomed_ = false;
  bool touched_ = false;
  bool rollback_alarm_due_ = false;
  bool copies_ = false;
  Traffic traffic_;
  std::uint64_t alarms_ = 0;
  bool lowered_ = false;
  std::vector<std::string> accounts_;
  std::uint64_t blocks_held_ = 0;
  std::uint64_t blocks_computational_ = 0;
  std::optional<std::uint64_t> reserve_before_unpaid_;  // when such a block was held in this event
  std::uint64_t bootstraps_ = 0;
  std::uint64_t allowances_ = 0;
  bool allowed_ = false;  // by its operator, and not used
  std::uint64_t sealed_resumptions_ = 0;
  std::uint64_t crashes_ = 0;
  std::unique_ptr<SimulatedMemory> memory_;  // while it runs
  std::unique_ptr<SimulatedMemory> copy_;    // of this life, or frozen in an earlier one
};

template <class Function>
void SimulatedBox::each(const Function& function) {
  if (!running()) return;
  memory_->work(function);
  if (copy_) copy_->work(function);
}

}  // namespace cloister::simulation
