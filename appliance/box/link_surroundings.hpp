#pragma once
/// What a link needs around it: time, the connection, timers, the distillery, the data plane, a log. The service gives
/// the real ones, the simulation a virtual world; the link is the same code in both.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "appliance/session/sealed_reserve.hpp"
#include "appliance/session/session.hpp"
#include "appliance/vpn/esp.hpp"
#include "appliance/vpn/pad_packet.hpp"
#include "appliance/wire/names.hpp"

namespace cloister::box {

using Instant = std::chrono::steady_clock::time_point;

class LinkSurroundings {
 public:
  virtual ~LinkSurroundings() = default;

  [[nodiscard]] virtual Instant now() const = 0;

  /// The classical channel. What happens is told by Link::on_connected, on_received, on_disconnected; never from inside
  /// a call.
  virtual void connect(Instant not_before) = 0;
  virtual void transmit(std::vector<std::byte> bytes) = 0;
  virtual void disconnect() = 0;

  /// Timers; a new time replaces the old one.
  virtual void wake_session(Instant at) = 0;
  virtual void wake_tunnel(wire::TunnelId tunnel, Instant at) = 0;

  /// The vault: keeps what outlives the service, in the order of the calls; each is told by Link::on_vault_done.
  virtual void store_record(crypto::SecretVector<std::byte> record) = 0;
  virtual void move_counter(session::Counter counter, std::uint64_t to) = 0;

  /// A step of the bootstrap's handshake, in which the TPM may sign; told by Link::on_handshake.
  virtual void advance_handshake(session::AdvanceHandshake step) = 0;

  /// The chain; what it does is told by Link::on_chain. A generation names a session.
  virtual void start_chain(std::uint64_t generation, wire::BlockId first) = 0;
  virtual void stop_chain() = 0;
  virtual void deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                                std::vector<std::byte> payload) = 0;
  /// A block that it has made, and the link has now.
  virtual void chain_block_held(std::uint64_t generation, wire::BlockId block) = 0;

  /// The data plane.
  virtual void install_inbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) = 0;
  virtual void install_outbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) = 0;
  virtual void retire_inbound(wire::TunnelId tunnel, vpn::Spi spi) = 0;
  virtual void retire_outbound(wire::TunnelId tunnel) = 0;
  virtual void install_pad_inbound(wire::TunnelId tunnel, std::shared_ptr<vpn::InboundPadSa> sa) = 0;
  virtual void install_pad_outbound(wire::TunnelId tunnel, std::shared_ptr<vpn::OutboundPadSa> sa) = 0;
  virtual void retire_pad_inbound(wire::TunnelId tunnel, vpn::Spi spi) = 0;
  virtual void retire_pad_outbound(wire::TunnelId tunnel) = 0;

  /// For people: `code` is stable.
  virtual void info(const std::string& code, const std::string& subject, const std::string& text) = 0;
  virtual void alarm(const std::string& code, const std::string& subject, const std::string& text) = 0;
  /// One line of the account log.
  virtual void record(const std::string& account_line) = 0;
  /// Keeps the link's total of epsilon for its next life. False: it is not kept, and to be tried again.
  [[nodiscard]] virtual bool book_epsilon(double total) = 0;
};

}  // namespace cloister::box
