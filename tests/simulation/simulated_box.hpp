#pragma once
/// One box of the simulation: the product's link with its real engines; around it virtual time, simulated networks,
/// synthetic light.

#include <functional>
#include <map>
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
#include "tests/simulation/virtual_world.hpp"

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
};

class SimulatedBox final : private box::LinkSurroundings {
 public:
  SimulatedBox(VirtualWorld& world, Network& network, std::size_t number, box::LinkSettings settings, crypto::Psk psk,
               std::uint64_t seed, hal::SymbolSource& source);
  void begin();
  /// The service ends and starts anew, without its memory.
  void restart();
  /// Called when a receiving SA is installed: the responder has accepted a key, or the initiator has its acceptance.
  std::function<void()> on_installed_inbound = [] {};
  /// Called with each block that the chain has made, before the link has it.
  std::function<void(distill::Amplified&)> on_amplified = [](distill::Amplified&) {};

  /// Whether the receiver's frames are taken: there is a session, and the chain is not full.
  [[nodiscard]] bool watches() const { return generation_ != 0 && chain_->wants_frame(); }
  /// Bob's detections, as the device would hand them over; only while `watches()`.
  void on_frame(hal::DetectionFrame frame);
  /// Sends one packet through the tunnel.
  void send_packet();

  [[nodiscard]] const box::Link& link() const { return *link_; }
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] const std::vector<std::string>& alarms() const { return alarms_; }
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  /// The lines of the account log.
  [[nodiscard]] const std::vector<std::string>& accounts() const { return accounts_; }
  /// Of the one tunnel.
  [[nodiscard]] vpn::RekeyStatus tunnel() const { return link_->tunnel_status(link_->tunnels().front().id()); }
  [[nodiscard]] std::uint32_t stock_keys() const { return link_->store().stock_keys(link_->tunnels().front().id()); }
  /// Up, and authenticated by QKD keys.
  [[nodiscard]] bool settled() const;

 private:
  [[nodiscard]] Instant now() const override { return world_.now(); }
  void connect(Instant not_before) override { network_.connect(not_before); }
  void transmit(std::vector<std::byte> bytes) override { network_.transmit(number_, bytes); }
  void disconnect() override { network_.disconnect(number_); }
  void wake_session(Instant at) override;
  void wake_tunnel(wire::TunnelId tunnel, Instant at) override;
  void store_record(crypto::SecretVector<std::byte>) override {}  // there is no vault here
  void move_counter(session::Counter, std::uint64_t) override {}
  void start_chain(std::uint64_t generation, wire::BlockId first) override;
  void stop_chain() override;
  void deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                        std::vector<std::byte> payload) override;
  void install_inbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) override;
  void install_outbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) override;
  void retire_inbound(wire::TunnelId tunnel, vpn::Spi spi) override;
  void retire_outbound(wire::TunnelId tunnel) override;
  void info(const std::string& code, const std::string& subject, const std::string& text) override;
  void alarm(const std::string& code, const std::string& subject, const std::string& text) override;
  void record(const std::string& account_line) override;
  bool book_epsilon(double total) override;

  void drain_chain();
  void on_datagram(const std::vector<std::byte>& datagram);
  void to_link(std::function<void()> event);

  VirtualWorld& world_;
  Network& network_;
  std::size_t number_;
  test::SeededRandom random_;
  test::SeededRandom chain_random_;
  std::unique_ptr<distill::Chain> chain_;
  std::uint64_t generation_ = 0;
  std::uint64_t session_wake_ = 0;
  std::uint64_t tunnel_wake_ = 0;
  std::optional<vpn::SaTable> sas_{std::in_place, 1, 1};  // that of a restarted box is new
  bool sending_ = false;                                  // a sending SA is installed
  Traffic traffic_;
  std::vector<std::string> alarms_;
  std::vector<std::string> log_;
  std::vector<std::string> accounts_;
  box::LinkSettings settings_;
  crypto::Psk psk_;
  std::unique_ptr<box::Link> link_;
};

}  // namespace cloister::simulation
