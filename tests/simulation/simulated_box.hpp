#pragma once
/// One box of the simulation: the product's link with its real engines; around it virtual time, simulated networks, a
/// disk and a TPM; and a plug that can be pulled at any of its calls to the world outside.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "appliance/box/link.hpp"
#include "appliance/distill/chain.hpp"
#include "appliance/vpn/sa_table.hpp"
#include "hal/frame.hpp"
#include "tests/seeded_random.hpp"
#include "tests/simulation/network.hpp"
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

class SimulatedBox final : private box::LinkSurroundings {
 public:
  /// Each life of the service unseals its own.
  using Unseal = std::function<crypto::Credentials()>;
  using MakeChain = std::function<std::unique_ptr<distill::Chain>(crypto::Random&)>;

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
  [[nodiscard]] bool running() const { return link_ != nullptr && !doomed_; }
  /// It has crashed by itself, and waits to be started.
  std::function<void()> on_crashed = [] {};
  /// Called with each alarm's code and text.
  std::function<void(const std::string&, const std::string&)> on_alarm = [](const auto&, const auto&) {};
  /// Its clock jumps ahead.
  void jump(Duration ahead);
  /// While it is off. Whether an alarm is due.
  void turn_back(TurnedBack what) { rollback_alarm_due_ = vault_.turn_back(what) || rollback_alarm_due_; }

  /// Its operator lets it bootstrap once, or is told that nothing waits for him.
  void allow_bootstrap();

  /// Called when a receiving SA is installed: the responder has accepted a key, or the initiator has its acceptance.
  std::function<void()> on_installed_inbound = [] {};
  /// Called with each block that the chain has made, before the link has it.
  std::function<void(distill::Amplified&)> on_amplified = [](distill::Amplified&) {};

  /// Whether the receiver's frames are taken: there is a session, and the chain is not full.
  [[nodiscard]] bool watches() const { return running() && generation_ != 0 && chain_->wants_frame(); }
  /// Bob's detections, as the device would hand them over; only while `watches()`.
  void on_frame(hal::DetectionFrame frame);
  /// Sends one packet through the tunnel.
  void send_packet();
  /// After each event: what must hold between any two.
  void look();

  [[nodiscard]] const box::Link& link() const { return *link_; }
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] std::uint64_t alarms() const { return alarms_; }
  /// The lines of the account log.
  [[nodiscard]] const std::vector<std::string>& accounts() const { return accounts_; }
  /// Of the one tunnel.
  [[nodiscard]] vpn::RekeyStatus tunnel() const { return link_->tunnel_status(link_->tunnels().front().id); }
  [[nodiscard]] std::uint32_t stock_keys() const { return link_->store().stock_keys(link_->tunnels().front().id); }
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

  [[nodiscard]] Instant now() const override { return world_.now() + ahead_; }
  void connect(Instant not_before) override;
  void transmit(std::vector<std::byte> bytes) override;
  void disconnect() override;
  void wake_session(Instant at) override;
  void wake_tunnel(wire::TunnelId tunnel, Instant at) override;
  void store_record(crypto::SecretVector<std::byte> record) override;
  void move_counter(session::Counter counter, std::uint64_t to) override;
  void advance_handshake(session::AdvanceHandshake step) override;
  void start_chain(std::uint64_t generation, wire::BlockId first) override;
  void stop_chain() override;
  void deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                        std::vector<std::byte> payload) override;
  void install_inbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) override;
  void install_outbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) override;
  void retire_inbound(wire::TunnelId tunnel, vpn::Spi spi) override;
  void retire_outbound(wire::TunnelId tunnel) override;
  void info(const std::string& code, const std::string& subject, const std::string& text) override;
  void alarm(const std::string& code, const std::string& subject, const std::string& text) override;
  void record(const std::string& account_line) override;
  bool book_epsilon(double total) override;

  void on_block_held(std::string_view account_line);
  [[nodiscard]] bool policy_allows(std::string_view label) const;
  /// What the status says of the tunnel's key.
  void look_at_label();
  /// Under the key that it has, and at its age.
  [[nodiscard]] bool may_send(const vpn::RekeyStatus& status) const;
  /// The box is about to do something that the world sees; false when it is no more.
  bool at_io(const char* what);
  /// To be done later, unless the service has ended by then.
  void later(Duration delay, std::move_only_function<void()> what);
  /// Something comes from outside.
  template <class Function>
  void with_link(Function&& function);
  void on_received(const std::vector<std::byte>& bytes, bool forged);
  void on_datagram(const std::vector<std::byte>& datagram, bool forged);
  void drain_chain();
  void on_bootstrapped();

  VirtualWorld& world_;
  Network& network_;
  Witness& witness_;
  std::size_t number_;
  std::string name_;
  test::SeededRandom random_;
  test::SeededRandom chain_random_;
  MakeChain make_chain_;
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
  std::optional<Instant> session_due_;
  std::optional<Instant> tunnel_due_;
  std::uint64_t session_wake_ = 0;
  std::uint64_t tunnel_wake_ = 0;

  std::unique_ptr<distill::Chain> chain_;
  std::uint64_t generation_ = 0;
  std::optional<vpn::SaTable> sas_;
  bool sending_ = false;  // a sending SA is installed
  Traffic traffic_;
  std::uint64_t alarms_ = 0;
  std::vector<std::string> accounts_;
  std::uint64_t blocks_held_ = 0;
  std::uint64_t blocks_computational_ = 0;
  std::optional<std::uint64_t> reserve_before_unpaid_;  // when such a block was held in this event
  std::uint64_t bootstraps_ = 0;
  std::uint64_t allowances_ = 0;
  bool allowed_ = false;  // by its operator, and not used
  std::uint64_t sealed_resumptions_ = 0;
  std::uint64_t crashes_ = 0;
  std::unique_ptr<box::Link> link_;
};

}  // namespace cloister::simulation
