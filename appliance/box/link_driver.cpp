#include "appliance/box/link_driver.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <format>
#include <set>
#include <utility>

#include "appliance/box/epsilon_file.hpp"
#include "crypto/crash.hpp"

namespace cloister::box {
namespace asio = boost::asio;
namespace {

/// A session lives for months, and the status is to tell of the files that an operator has put there meanwhile.
constexpr std::chrono::hours vouchers_read_every{1};

/// Waits on a timer and calls `then`, unless the wait was replaced or whose it was is no more.
template <class Function>
void wait_until(asio::steady_timer& timer, Instant at, const std::weak_ptr<const bool>& owner, Function then) {
  timer.expires_at(at);
  timer.async_wait([owner, then = std::move(then)](boost::system::error_code error) {
    if (!error && !owner.expired()) then();
  });
}

LimitWatch::Limits limits_of_qber(const config::Alarms& alarms, double qber_limit) {
  const double limit = alarms.qber_above * qber_limit;
  return {.raised_at = limit, .ended_at = 0.9 * limit, .after = alarms.after, .once_good = false};
}

LimitWatch::Limits limits_of_keys(const config::Alarms& alarms) {
  const double limit = std::chrono::duration<double>(alarms.keys_left_below).count();
  if (limit == 0) return {.raised_at = -2, .ended_at = -1, .after = {}, .once_good = true};  // always good
  return {.raised_at = limit, .ended_at = 2 * limit, .after = alarms.after, .once_good = true};
}

}  // namespace

Result<std::unique_ptr<LinkDriver>> LinkDriver::open(asio::io_context& io, LinkDriverSettings settings,
                                                     crypto::Credentials credentials, const KeyMakerFactory& device,
                                                     drivers::DataPlane& plane, EventLog& log) {
  const auto& names = settings.link.session;
  const bool serves = session::side_of(names.local_box, names.peer_box) == session::Side::server;
  const auto booked = read_epsilon(settings.epsilon_file);
  if (!booked) return std::unexpected{booked.error()};
  settings.link.epsilon_booked = *booked;
  std::unique_ptr<LinkDriver> driver{
      new LinkDriver{io, std::move(settings), std::move(credentials), device, plane, log}};
  if (!driver->accounts_) {
    return fail(std::format("account log '{}' cannot be written: does the directory of 'box.state_directory' exist",
                            driver->settings_.account_log));
  }
  auto vault = drivers::Vault::open({.tpm = driver->settings_.tpm,
                                     .path = driver->settings_.vault,
                                     .link = driver->settings_.link.session.link,
                                     .local_box = driver->settings_.link.session.local_box,
                                     .peer_box = driver->settings_.link.session.peer_box});
  if (vault) {
    driver->link_.restore(driver->vault_.emplace(std::move(*vault)).take_kept());
  } else {
    log.alarm("SEALED_RESERVE_UNAVAILABLE", driver->link_.subject(),
              std::format("no sealed reserve: {}: after a restart this link is bootstrapped", vault.error().message));
  }
  if (serves) {
    if (auto listening = driver->connection_.listen(driver->settings_.local, driver->settings_.peer.address);
        !listening)
      return std::unexpected{listening.error()};
  }
  if (const auto& pinned = driver->link_.credentials().pinned; pinned && !pinned->peer)
    log.alarm("BOOTSTRAP_REFUSED", driver->link_.subject(),
              std::format("box '{}' cannot be bootstrapped with: {}", driver->settings_.link.session.peer_box,
                          pinned->peer.error().message));
  driver->link_.begin();
  if (driver->settings_.read_vouchers) driver->await_vouchers();
  return driver;
}

LinkDriver::LinkDriver(asio::io_context& io, LinkDriverSettings settings, crypto::Credentials credentials,
                       const KeyMakerFactory& device, drivers::DataPlane& plane, EventLog& log)
    : settings_{std::move(settings)},
      plane_{plane},
      log_{log},
      io_{io},
      session_timer_{io},
      voucher_timer_{io},
      accounts_{settings_.account_log, std::ios::app},
      light_{settings_.alarms.light_below, settings_.alarms.after},
      qber_{limits_of_qber(settings_.alarms, settings_.link.distillation.qber_limit)},
      link_{settings_.link, std::move(credentials), random_, *this},
      connection_{io, connection_handlers()},
      key_maker_{device(io, key_maker_handlers())} {
  asio::post(vault_thread_, crypto::wipe_on_overflow);
  place(settings_.link.tunnels, settings_.paths);
}

LinkDriver::~LinkDriver() {
  alive_.reset();
  vault_thread_.join();
}

void LinkDriver::place(const std::vector<TunnelSettings>& tunnels, const std::vector<std::size_t>& paths) {
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    auto& place = places_[tunnels[i].id()];
    if (!place) place = std::make_unique<Place>(io_, paths[i], LimitWatch{limits_of_keys(settings_.alarms)});
  }
}

void LinkDriver::follow(const config::Alarms& alarms) {
  settings_.alarms = alarms;
  light_.follow(alarms.light_below, alarms.after);
  qber_.follow(limits_of_qber(alarms, settings_.link.distillation.qber_limit));
  for (const auto& [tunnel, place] : places_) place->keys_left.follow(limits_of_keys(alarms));
}

void LinkDriver::change_tunnels(std::vector<TunnelSettings> tunnels, const std::vector<std::size_t>& paths) {
  place(tunnels, paths);
  link_.change_tunnels(std::move(tunnels));
  std::set<wire::TunnelId> left;
  for (const auto& tunnel : link_.tunnels()) left.insert(tunnel.id);
  std::erase_if(places_, [&](const auto& entry) { return !left.contains(entry.first); });
}

drivers::PeerConnection::Handlers LinkDriver::connection_handlers() {
  return {.connected =
              [this] {
                read_trust();
                link_.on_connected();
              },
          .received = [this](std::span<const std::byte> bytes) { link_.on_received(bytes); },
          .disconnected = [this](const std::string& reason) { link_.on_disconnected(reason); },
          .may_be_displaced = [this] { return link_.may_be_displaced(); },
          .stranger = [this](const std::string& address) { refused_stranger(address); }};
}

void LinkDriver::read_vouchers() {
  if (settings_.read_vouchers) link_.renew(settings_.read_vouchers());
}

void LinkDriver::await_vouchers() {
  wait_until(voucher_timer_, now() + vouchers_read_every, alive_, [this] {
    read_vouchers();
    await_vouchers();
  });
}

/// Who was revoked since the last connection, or whose vouchers have ended, is not let in by this one.
void LinkDriver::read_trust() {
  read_vouchers();
  if (!settings_.read_authority) return;
  if (auto authority = settings_.read_authority())
    link_.renew(std::move(*authority));
  else
    log_.alarm("TRUST_UNREADABLE", link_.subject(),
               std::format("{}: what was read before counts until it is out of date", authority.error().message));
}

/// Whoever knocks often writes no more into the logs than whoever knocks once a minute.
void LinkDriver::refused_stranger(const std::string& address) {
  ++strangers_;
  if (strangers_told_ && now() - *strangers_told_ < std::chrono::minutes{1}) return;
  strangers_told_ = now();
  log_.alarm("STRANGER_REFUSED", link_.subject(),
             std::format("a connection from {} was closed: the peer box is at {} ({} refused since the start)", address,
                         settings_.peer.address, strangers_));
}

KeyMaker::Handlers LinkDriver::key_maker_handlers() {
  return {.action = [this](std::uint64_t generation,
                           distill::Action action) { link_.on_chain(generation, std::move(action)); },
          .protocol_error = [this](std::uint64_t generation,
                                   const std::string& what) { link_.on_chain_error(generation, what); },
          .figures =
              [this](const distill::Figures& figures, const DeviceReport& device) {
                figures_ = figures;
                device_ = device;
                detections_.sample(figures.detections, now());
                sifted_.sample(figures.sifted_bits, now());
                secret_.sample(link_.store().balance().produced_bits, now());
                if (!settings_.link.external_keys) watch_light(figures.detections);
                watch_qber();
                watch_traffic();
                watch_keys();
                watch_interfaces();
                watch_paths();
                watch_sealed_reserve();
                key_maker_->demand(link_.wants_key());
              },
          .device_lost = [this](const std::string& problem) { log_.alarm("DEVICE_LOST", link_.subject(), problem); },
          .device_found = [this] { log_.info("DEVICE_FOUND", link_.subject(), "the device is there again"); },
          .device_suspect = [this](const std::string& why) { log_.alarm("DEVICE_SUSPECT", link_.subject(), why); },
          .device_trusted =
              [this] { log_.info("DEVICE_TRUSTED", link_.subject(), "nothing is wrong any more with the device"); }};
}

/// The receiver's device counts clicks whether or not the chain keeps up. The transmitter knows only what was sifted, and
/// its watch stands still while blocks are being reconciled and sifting may wait for them.
void LinkDriver::watch_light(std::uint64_t distilled) {
  const Instant then = std::exchange(light_looked_at_, now());
  if (!device_.present || link_.session_status().state != "established") return light_.rest();
  const auto& clicks = device_.telemetry;
  const bool sees_clicks = !settings_.transmitter;
  if (sees_clicks || !link_.reconciling()) light_time_ += light_looked_at_ - then;
  switch (light_.sample(sees_clicks ? clicks.detections + clicks.lost_detections : distilled, light_time_)) {
    case LightWatch::Change::lost:
      return log_.alarm("LIGHT_LOST", link_.subject(),
                        std::format("{:.0f} detections a second, where {:.0f} are usual: is the fibre cut, or the "
                                    "transmitter dark?",
                                    light_.rate(), light_.usual()));
    case LightWatch::Change::found:
      return log_.info("LIGHT_FOUND", link_.subject(), "there is light again");
    case LightWatch::Change::none:
      return;
  }
}

void LinkDriver::watch_qber() {
  if (!figures_.last_qber) return;
  switch (qber_.sample(*figures_.last_qber, now())) {
    case LimitWatch::Change::raised:
      return log_.alarm("QBER_NEAR_LIMIT", link_.subject(),
                        std::format("a block's QBER is {:.2f} %, and at {:.2f} % there is no key any more",
                                    100 * *figures_.last_qber, 100 * link_.settings().distillation.qber_limit));
    case LimitWatch::Change::ended:
      return log_.info("QBER_USUAL", link_.subject(), "the QBER is well below its limit again");
    case LimitWatch::Change::none:
      return;
  }
}

void LinkDriver::watch_sealed_reserve() {
  const auto restarts = link_.session_status().sealed_chunks;
  const bool was_ready = std::exchange(sealed_reserve_ready_, restarts > 0);
  if (restarts > 0 && !was_ready)
    log_.info("SEALED_RESERVE_READY", link_.subject(),
              std::format("a restart needs no bootstrap: {} are sealed", restarts));
}

void LinkDriver::connect(Instant not_before) { connection_.connect(settings_.local, settings_.peer, not_before); }
void LinkDriver::transmit(std::vector<std::byte> bytes) { connection_.transmit(std::move(bytes)); }
void LinkDriver::disconnect() { connection_.disconnect(); }

void LinkDriver::on_vault_thread(std::function<Result<std::uint64_t>(drivers::Vault&)> work) {
  asio::post(vault_thread_, [this, work = std::move(work)] {
    auto outcome = work(*vault_);
    asio::post(io_, [this, owner = std::weak_ptr{alive_}, outcome = std::move(outcome)] {
      if (!owner.expired()) link_.on_vault_done(outcome);
    });
  });
}

void LinkDriver::store_record(crypto::SecretVector<std::byte> record) {
  const auto shared = std::make_shared<crypto::SecretVector<std::byte>>(std::move(record));
  on_vault_thread([shared](drivers::Vault& vault) { return vault.store(*shared); });
}

void LinkDriver::move_counter(session::Counter counter, std::uint64_t to) {
  on_vault_thread([counter, to](drivers::Vault& vault) { return vault.move(counter, to); });
}

/// On the vault's thread: there it is where the TPM is waited for.
void LinkDriver::advance_handshake(session::AdvanceHandshake step) {
  asio::post(vault_thread_, [this, owner = std::weak_ptr{alive_}, step = std::move(step)]() mutable {
    auto answer = step.handshake.advance(step.received);
    asio::post(io_, [this, owner, step = std::move(step), answer = std::move(answer)]() mutable {
      if (!owner.expired()) link_.on_handshake(std::move(step), answer);
    });
  });
}

void LinkDriver::wake_session(Instant at) {
  wait_until(session_timer_, at, alive_, [this] { link_.on_session_timer(); });
}

void LinkDriver::wake_tunnel(wire::TunnelId tunnel, Instant at) {
  wait_until(place_of(tunnel).timer, at, alive_, [this, tunnel] { link_.on_tunnel_timer(tunnel); });
}

void LinkDriver::start_chain(std::uint64_t generation, wire::BlockId first) { key_maker_->start(generation, first); }
void LinkDriver::stop_chain() { key_maker_->stop(); }

void LinkDriver::deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                                  std::vector<std::byte> payload) {
  key_maker_->deliver(generation, block, type, std::move(payload));
}
void LinkDriver::chain_block_held(std::uint64_t generation, wire::BlockId block) {
  key_maker_->block_held(generation, block);
}

void LinkDriver::install_inbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key) {
  plane_.install_inbound(place_of(tunnel).path, spi, std::move(key));
}
void LinkDriver::install_outbound(wire::TunnelId tunnel, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) {
  plane_.install_outbound(place_of(tunnel).path, spi, std::move(key), packets_max);
}
void LinkDriver::retire_inbound(wire::TunnelId, vpn::Spi spi) { plane_.retire_inbound(spi); }
void LinkDriver::retire_outbound(wire::TunnelId tunnel) { plane_.retire_outbound(place_of(tunnel).path); }

void LinkDriver::install_pad_inbound(wire::TunnelId tunnel, std::shared_ptr<vpn::InboundPadSa> sa) {
  plane_.pads().install_inbound(place_of(tunnel).path, std::move(sa));
}
void LinkDriver::install_pad_outbound(wire::TunnelId tunnel, std::shared_ptr<vpn::OutboundPadSa> sa) {
  plane_.pads().install_outbound(place_of(tunnel).path, std::move(sa));
}
void LinkDriver::retire_pad_inbound(wire::TunnelId, vpn::Spi spi) { plane_.pads().retire_inbound(spi); }
void LinkDriver::retire_pad_outbound(wire::TunnelId tunnel) { plane_.pads().retire_outbound(place_of(tunnel).path); }

void LinkDriver::info(const std::string& code, const std::string& subject, const std::string& text) {
  log_.info(code, subject, text);
}
void LinkDriver::alarm(const std::string& code, const std::string& subject, const std::string& text) {
  log_.alarm(code, subject, text);
}
void LinkDriver::record(const std::string& account_line) { accounts_ << account_line << '\n' << std::flush; }

bool LinkDriver::book_epsilon(double total) {
  const auto written = write_epsilon(settings_.epsilon_file, total);
  if (!written) log_.alarm("EPSILON_NOT_KEPT", link_.subject(), written.error().message);
  return written.has_value();
}

std::optional<Result<>> LinkDriver::rekey(const std::string& tunnel) {
  const auto& tunnels = link_.tunnels();
  const auto found = std::ranges::find(tunnels, tunnel, [](const auto& known) { return known.settings.rekey.tunnel; });
  if (found == tunnels.end()) return std::nullopt;
  return link_.on_rekey_wanted(found->id);
}

}  // namespace cloister::box
