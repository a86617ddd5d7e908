// What `status` shows of a link and its tunnels.
#include <algorithm>
#include <chrono>
#include <format>

#include "appliance/box/link_driver.hpp"

namespace cloister::box {
namespace {

std::string text_of(const std::optional<vpn::Spi>& spi) {
  return spi ? std::format("0x{:08x}", spi->value) : std::string{};
}

const char* waits_for(session::Awaited whom) {
  switch (whom) {
    case session::Awaited::nobody:
      return "";
    case session::Awaited::own_operator:
      return "operator";
    case session::Awaited::peers_operator:
      return "peer's operator";
  }
  return "";
}

/// The last day counts to its end.
std::optional<double> trust_left(const crypto::Credentials& credentials) {
  if (!credentials.pinned) return std::nullopt;
  const auto& peer = credentials.pinned->peer;
  if (!peer) return 0;
  if (!peer->until) return std::nullopt;
  const std::chrono::duration<double> left = *peer->until + std::chrono::days{1} - std::chrono::system_clock::now();
  return std::max(0.0, left.count());
}

std::string trust_problem(const crypto::Credentials& credentials) {
  return credentials.pinned && !credentials.pinned->peer ? credentials.pinned->peer.error().message : "";
}

/// Without a number where the block ended before it had one.
control::BlockStatus status_of(const EndedBlock& block) {
  const auto& account = block.account;
  control::BlockStatus status;
  status.number = account.block;
  status.outcome = block.outcome;
  status.authenticated_by = block.authenticated_by;
  status.source = account.external ? distill::external_source : distill::distilled_source;
  if (!account.external) {
    status.bound = distill::to_string(account.parameters.bound);
    status.eps_sec = account.parameters.eps_sec;
    status.eps_cor = account.parameters.eps_cor;
  }
  status.seconds = block.seconds;
  status.detections = account.detections;
  status.sifted_bits = account.key.detections();
  status.tested_bits = account.test.detections();
  status.secret_bits = account.length_bits;
  status.leakage_bits = account.leakage_bits();
  if (status.tested_bits > 0) status.test_qber = account.test_qber();
  if (account.key_errors_known) status.qber = account.key_qber();
  if (account.s_test_1 > 0) {
    status.single_photon_error_max = static_cast<double>(account.v_test_1 / account.s_test_1);
    status.phase_error_max = static_cast<double>(account.phase_error);
  }
  status.efficiency = account.efficiency();
  return status;
}

}  // namespace

control::LinkStatus LinkDriver::status() const {
  const auto session = link_.session_status();
  control::LinkStatus status;
  status.name = link_.settings().session.link;
  status.peer = link_.settings().session.peer_box;
  const bool external = link_.settings().external_keys;
  status.key_source = external ? distill::external_source : distill::distilled_source;
  status.role = settings_.transmitter ? "alice" : "bob";
  status.authenticated_by = to_string(session.authenticator);
  status.authentication_policy = to_string(link_.settings().session.policy);
  status.bootstrap_by = to_string(link_.credentials());
  status.trust_seconds_left = trust_left(link_.credentials());
  status.trust_problem = trust_problem(link_.credentials());
  status.device = device_.state;
  status.waits_for = waits_for(session.awaited);
  if (session.awaited != session::Awaited::nobody)
    status.state = "waits for an operator";
  else if (session.state != "established")
    status.state = session.state;
  else if (!device_.present)
    status.state = "no device";
  else if (light_.dark())
    status.state = "no light";
  else if (link_.dropping())
    status.state = "no key: blocks dropped";
  else
    status.state = "running";
  status.qber = figures_.last_qber;
  status.test_qber = figures_.live_test_qber;
  status.detections_per_second = detections_.per_second(now());
  status.sifted_bits_per_second = sifted_.per_second(now());
  status.secret_bits_per_second = secret_.per_second(now());
  status.blocks_made = session.blocks_held;
  status.blocks_dropped = figures_.blocks_dropped;
  status.blocks_burnt = session.blocks_burnt;
  status.blocks_computational = session.blocks_computational;
  status.block_filled_bits = figures_.filling_bits;
  status.block_size_bits = external ? 0 : link_.settings().distillation.block_bits;
  status.reserve_bits = session.reserve_bits;
  status.reserve_bits_max = session.reserve_bits_max;
  status.authentication_spent_bits = session.pad_bits_spent;
  status.sealed_restarts = session.sealed_chunks;
  status.discarded_bits = link_.store().balance().discarded_bits;
  status.last_error = session.last_error;
  if (link_.last_block()) status.last_block = status_of(*link_.last_block());
  status.failed_reconciliations = link_.failed_reconciliations();
  if (const auto& drop = link_.last_drop())
    status.last_drop = {.number = drop->account.block, .outcome = drop->outcome, .reason = drop->reason};
  if (external) return status;
  status.quarantine_seconds = std::chrono::duration<double>(settings_.quarantine).count();
  status.quarantined_blocks = figures_.quarantined_blocks;
  status.quarantined_bits = figures_.quarantined_bits;
  status.epsilon_total = link_.epsilon().total();
  status.epsilon_budget = link_.epsilon().budget();
  status.epsilon_per_block = link_.epsilon().per_block();
  return status;
}

double LinkDriver::key_left_seconds(const KnownTunnel& tunnel) const {
  using seconds = std::chrono::duration<double>;
  const auto& rekey = tunnel.settings.rekey;
  const auto engine = link_.tunnel_status(tunnel.id);
  if (engine.pad) {
    if (engine.state != "up") return 0;
    // As fast as in the last minute; an idle tunnel counts as if it used a bit a second.
    const double bits = 8 * static_cast<double>(engine.pad->sending_bytes) +
                        static_cast<double>(link_.stock(tunnel.id).keys * keys::key_bits);
    return bits / std::max(1.0, place_of(tunnel.id).pad_bits.per_second(now()));
  }
  const double stock = static_cast<double>(link_.stock(tunnel.id).keys) * seconds{rekey.rekey_interval}.count();
  const bool by_exchange = engine.source == vpn::KeySource::exchange;
  if (!engine.key_ends || engine.state != "up" || by_exchange) return stock;
  return stock + std::max(0.0, seconds{*engine.key_ends - now()}.count());
}

std::vector<control::TunnelStatus> LinkDriver::tunnel_status() const {
  std::vector<control::TunnelStatus> all;
  for (const auto& known : link_.tunnels()) {
    const auto& [id, settings] = known;
    const auto engine = link_.tunnel_status(id);
    const std::size_t path = place_of(id).path;
    const auto& counters = plane_.counters(path);
    control::TunnelStatus status;
    status.name = settings.rekey.tunnel;
    status.link = link_.settings().session.link;
    status.interface = settings.interface;
    status.state = plane_.interface_lost(path) ? "no interface" : engine.state;
    status.cipher = cipher_of(settings, engine.source);
    status.key_source = to_string(engine.source);
    status.authenticated_by = to_string(engine.authenticated_by);
    status.spi_in = text_of(engine.inbound);
    status.spi_out = text_of(engine.outbound);
    status.rekeys = engine.rekeys;
    status.key_bits_spent = engine.keys_taken * keys::key_bits;
    status.key_bits_per_second = place_of(id).key_bits.per_second(now());
    if (engine.last_rekey_took)
      status.last_rekey_seconds = std::chrono::duration<double>(*engine.last_rekey_took).count();
    status.stock_keys = link_.stock(id).keys;
    status.stock_keys_max = link_.stock(id).keys_max;
    if (engine.pad) {
      status.pad_sending_bytes = engine.pad->sending_bytes;
      status.pad_receiving_bytes = engine.pad->receiving_bytes;
      status.pad_bytes_per_second = place_of(id).pad_bits.per_second(now()) / 8;
      status.forgery_epsilon_per_packet = engine.pad->epsilon_per_packet;
      status.forgery_epsilon_of_sa = engine.pad->epsilon_of_sa;
    }
    if (engine.key_made && engine.state == "up")
      status.key_age_seconds = std::chrono::duration<double>(now() - *engine.key_made).count();
    status.key_left_seconds = key_left_seconds(known);
    status.mtu = plane_.mtu(path);
    status.path_mtu = plane_.path_mtu(path);
    if (const auto rate = plane_.packets_per_second(path); rate > 0) {
      status.constant_packets_per_second = rate;
      status.constant_rate_used = std::min(1.0, place_of(id).used_slots.per_second(now()) / rate);
    }
    status.dummies_out = counters.dummies_out;
    status.dummies_in = counters.dummies_in;
    status.slots_missed = counters.slots_missed;
    status.bytes_in = counters.bytes_in;
    status.bytes_out = counters.bytes_out;
    status.packets_in = counters.packets_in;
    status.packets_out = counters.packets_out;
    status.dropped_no_key = counters.dropped_no_key;
    status.dropped_selector = counters.dropped_selector;
    status.dropped_send = counters.dropped_send;
    status.dropped_too_big = counters.dropped_too_big;
    status.dropped_congested = counters.dropped_congested;
    status.dropped_over_rate = counters.dropped_over_rate;
    status.authentication_failures = counters.authentication_failures;
    status.replays = counters.replays;
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace cloister::box
