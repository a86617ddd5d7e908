#pragma once
/// The real surroundings of a link: TCP, timers, the thread that makes keys, the data plane, the account log. Decides
/// nothing.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "appliance/box/event_log.hpp"
#include "appliance/box/key_maker.hpp"
#include "appliance/box/light_watch.hpp"
#include "appliance/box/limit_watch.hpp"
#include "appliance/box/link.hpp"
#include "appliance/box/rate_meter.hpp"
#include "appliance/control/status.hpp"
#include "appliance/drivers/data_plane.hpp"
#include "appliance/drivers/peer_connection.hpp"
#include "appliance/drivers/vault.hpp"

namespace cloister::box {

struct LinkDriverSettings {
  LinkSettings link;
  bool transmitter = false;
  std::chrono::milliseconds quarantine{};  // as the status shows it
  drivers::PeerAddress local;
  drivers::PeerAddress peer;
  std::vector<std::size_t> paths;  // the tunnels' numbers in the data plane
  std::string account_log;         // path; one JSON line a block
  std::string epsilon_file;        // path; what the link has spent
  /// Reads the operator's authority and its revocation lists; empty where the link does not bootstrap by certificates.
  std::function<Result<std::shared_ptr<const crypto::Authority>>()> read_authority;
  /// Reads the vouchers for the peer's key; empty where nobody vouches for it.
  std::function<Result<crypto::TrustedKey>()> read_vouchers;
  crypto::TpmSettings tpm{""};
  std::string vault;  // path of the sealed reserve's record
  config::Alarms alarms;
};

class LinkDriver final : private LinkSurroundings {
 public:
  /// Opens the classical channel and the account log; `plane` and `log` outlive the driver.
  [[nodiscard]] static Result<std::unique_ptr<LinkDriver>> open(boost::asio::io_context& io,
                                                                LinkDriverSettings settings,
                                                                crypto::Credentials credentials,
                                                                const KeyMakerFactory& device,
                                                                drivers::DataPlane& plane, EventLog& log);
  ~LinkDriver() override;

  /// From now on these are the link's tunnels, in the data plane by those numbers. One that goes has no SAs when this
  /// returns; one that comes has none yet.
  void change_tunnels(std::vector<TunnelSettings> tunnels, const std::vector<std::size_t>& paths);
  /// From now on an operator is told by these limits.
  void follow(const config::Alarms& alarms);
  void follow(session::BootstrapAgain again) { link_.follow(again); }
  /// As the files are now.
  void read_vouchers();
  [[nodiscard]] Result<> allow_bootstrap() { return link_.allow_bootstrap(); }
  [[nodiscard]] const std::string& name() const { return settings_.link.session.link; }

  /// None: the link has no tunnel of that name.
  [[nodiscard]] std::optional<Result<>> rekey(const std::string& tunnel);
  [[nodiscard]] control::LinkStatus status() const;
  [[nodiscard]] std::vector<control::TunnelStatus> tunnel_status() const;

 private:
  LinkDriver(boost::asio::io_context& io, LinkDriverSettings settings, crypto::Credentials credentials,
             const KeyMakerFactory& device, drivers::DataPlane& plane, EventLog& log);
  /// Of one tunnel.
  struct Place {
    Place(boost::asio::io_context& io, std::size_t number, LimitWatch keys)
        : path{number}, timer{io}, keys_left{keys} {}
    std::size_t path;
    boost::asio::steady_timer timer;
    bool interface_lost = false;  // said so
    LimitWatch keys_left;
    RateMeter key_bits{std::chrono::minutes{1}};
    RateMeter pad_bits{std::chrono::minutes{1}};  // sent under
    // Of a tunnel of constant rate.
    RateMeter used_slots;
    RateMeter missed_slots{std::chrono::minutes{1}};
    LimitWatch too_slow{{.raised_at = 0, .ended_at = 0, .after = std::chrono::milliseconds{0}, .once_good = false}};
  };
  void place(const std::vector<TunnelSettings>& tunnels, const std::vector<std::size_t>& paths);
  [[nodiscard]] Place& place_of(wire::TunnelId tunnel) const { return *places_.at(tunnel); }
  void watch_light(std::uint64_t distilled);
  [[nodiscard]] double key_left_seconds(const KnownTunnel& tunnel) const;
  void watch_qber();
  void watch_traffic();
  void watch_rate(const KnownTunnel& tunnel);
  void watch_keys();
  void watch_interfaces();
  void watch_paths();
  void watch_sealed_reserve();
  drivers::PeerConnection::Handlers connection_handlers();
  void read_trust();
  void await_vouchers();
  KeyMaker::Handlers key_maker_handlers();

  [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
  void connect(Instant not_before) override;
  void transmit(std::vector<std::byte> bytes) override;
  void disconnect() override;
  void store_record(crypto::SecretVector<std::byte> record) override;
  void move_counter(session::Counter counter, std::uint64_t to) override;
  void advance_handshake(session::AdvanceHandshake step) override;
  void refused_stranger(const std::string& address);
  void on_vault_thread(std::function<Result<std::uint64_t>(drivers::Vault&)> work);
  void wake_session(Instant at) override;
  void wake_tunnel(wire::TunnelId tunnel, Instant at) override;
  void start_chain(std::uint64_t generation, wire::BlockId first) override;
  void stop_chain() override;
  void deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                        std::vector<std::byte> payload) override;
  void chain_block_held(std::uint64_t generation, wire::BlockId block) override;
  void install_inbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) override;
  void install_outbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) override;
  void retire_inbound(wire::TunnelId tunnel, vpn::Spi spi) override;
  void retire_outbound(wire::TunnelId tunnel) override;
  void install_pad_inbound(wire::TunnelId tunnel, std::shared_ptr<vpn::InboundPadSa> sa) override;
  void install_pad_outbound(wire::TunnelId tunnel, std::shared_ptr<vpn::OutboundPadSa> sa) override;
  void retire_pad_inbound(wire::TunnelId tunnel, vpn::Spi spi) override;
  void retire_pad_outbound(wire::TunnelId tunnel) override;
  void info(const std::string& code, const std::string& subject, const std::string& text) override;
  void alarm(const std::string& code, const std::string& subject, const std::string& text) override;
  void record(const std::string& account_line) override;
  bool book_epsilon(double total) override;

  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  // what is posted looks whether it is
  LinkDriverSettings settings_;
  drivers::DataPlane& plane_;
  EventLog& log_;
  boost::asio::io_context& io_;
  crypto::SystemRandom random_;
  boost::asio::steady_timer session_timer_;
  boost::asio::steady_timer voucher_timer_;
  std::map<wire::TunnelId, std::unique_ptr<Place>> places_;
  std::ofstream accounts_;
  distill::Figures figures_;
  DeviceReport device_;
  RateMeter detections_, sifted_, secret_;
  LightWatch light_;
  LimitWatch qber_;
  Instant light_time_{};
  Instant light_looked_at_ = std::chrono::steady_clock::now();
  bool sealed_reserve_ready_ = false;
  Instant paths_looked_at_{};
  std::uint64_t strangers_ = 0;
  std::optional<Instant> strangers_told_;
  std::optional<drivers::Vault> vault_;
  Link link_;
  drivers::PeerConnection connection_;
  // Last: their threads call into the others until they are joined.
  std::unique_ptr<KeyMaker> key_maker_;
  boost::asio::thread_pool vault_thread_{1};
};

}  // namespace cloister::box
