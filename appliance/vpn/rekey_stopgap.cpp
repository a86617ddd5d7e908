// What bridges the time without a key of the stock, where the tunnel's policy has something: the same SA for longer, or an
// exchange on the authenticated session.
#include <algorithm>
#include <format>
#include <limits>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/vpn/rekey_state.hpp"

namespace cloister::vpn {
using hooks::planted;
using hooks::PlantedBug;
namespace {

using namespace std::chrono_literals;

/// How long before a key's end an exchange begins in place of waiting for a key, at most.
constexpr milliseconds exchange_ahead_max = 5s;
/// How long keys of the stock have in a session before a tunnel without SAs goes on without, at most.
constexpr milliseconds first_key_patience_max = 10s;

}  // namespace

bool RekeyEngine::State::may_extend(const Generation& generation) const {
  return settings.when_keys_run_out == WhenKeysRunOut::extend && generation.source == KeySource::qkd;
}

Instant RekeyEngine::State::end_of(const Generation& generation) const {
  const bool extends = settings.when_keys_run_out == WhenKeysRunOut::extend;
  if (extends && planted(PlantedBug::extended_for_ever)) return generation.made + std::chrono::years{1};
  return generation.made + settings.key_lifetime + (extends ? settings.extend_for : milliseconds{0});
}

std::uint64_t RekeyEngine::State::packets_max() const {
  return settings.when_keys_run_out == WhenKeysRunOut::extend ? extended_packets_max
                                                              : std::numeric_limits<std::uint64_t>::max();
}

bool RekeyEngine::State::may_exchange() const {
  return settings.when_keys_run_out == WhenKeysRunOut::exchange || planted(PlantedBug::exchange_unasked);
}

void RekeyEngine::State::extend_if_due(Instant now) {
  if (!current || !may_extend(*current) || now < current->made + settings.key_lifetime) return;
  current->source = KeySource::extended;
  actions.emplace_back(StopgapBegun{KeySource::extended});
}

void RekeyEngine::State::on_stock_empty(Instant now) {
  retry_at = now + rekey_retry_interval;
  if (!without_key_since) without_key_since = now;
  if (!may_exchange()) return;
  const auto ahead = std::min(exchange_ahead_max, (settings.key_lifetime - settings.rekey_interval) / 2);
  Instant at = *without_key_since + std::min(first_key_patience_max, settings.key_lifetime);
  if (current && current->source == KeySource::exchange)
    at = due_by_volume() ? now : current->due;
  else if (current)
    at = current->made + settings.key_lifetime - ahead;
  if (now >= at)
    begin_exchange(now);
  else
    retry_at = std::min(*retry_at, at);
}

SaContext RekeyEngine::State::context(const Exchange& exchange, const Exchanged& answer) const {
  return {.tunnel = settings.tunnel,
          .initiator = settings.initiator ? settings.local_box : settings.peer_box,
          .responder = settings.initiator ? settings.peer_box : settings.local_box,
          .epoch = exchange.epoch,
          .key_name = {},
          .kem_public_key = exchange.kem_public,
          .kem_ciphertext = answer.kem_ciphertext,
          .x25519_initiator = exchange.x25519,
          .x25519_responder = answer.x25519};
}

void RekeyEngine::State::begin_exchange(Instant now) {
  auto kem = crypto::KemKeyPair::generate();
  if (!kem) return;  // tried again as a key is
  crypto::X25519KeyPair x25519{*random};
  newest_epoch += 1;
  begun = now;
  Exchange exchange{newest_epoch, fresh_spi(), x25519.public_key(), kem->public_key()};
  send(RekeyMessage::exchange, encode(exchange));
  exchanging = Exchanging{std::move(exchange), std::move(x25519), std::move(*kem), now};
}

Result<> RekeyEngine::State::on_exchange(const Exchange& exchange, Instant now) {
  if (!may_exchange()) return fail("an exchange, where the tunnel's policy has none");
  if (exchange.epoch <= newest_epoch)
    return fail(std::format("an exchange of epoch {}, which has been", exchange.epoch));
  offered.reset();
  drop_accepted();  // the initiator has given it up
  newest_epoch = exchange.epoch;
  begun = now;
  // Stocks are alike: while the key of one of them is young, there is no need.
  if (current && current->source == KeySource::qkd && now < current->made + settings.rekey_interval) {
    send(RekeyMessage::reject, encode(Reject{exchange.epoch}));
    return {};
  }
  auto encapsulated = crypto::kem_encapsulate(exchange.kem_public);
  if (!encapsulated) return fail(encapsulated.error().message);
  crypto::X25519KeyPair pair{*random};
  const Exchanged answer{exchange.epoch, fresh_spi(), pair.public_key(), std::move(encapsulated->ciphertext)};
  auto agreed = std::move(pair).agree(exchange.x25519);
  if (!agreed) return fail(agreed.error().message);
  const SaSecrets secrets{std::move(*agreed), std::move(encapsulated->secret)};
  const SaContext names = context(exchange, answer);
  actions.emplace_back(
      InstallInbound{answer.spi, secrets.derive(names, Direction::initiator_to_responder, answer.spi)});
  accepting = Accepting{
      {.epoch = exchange.epoch, .inbound = answer.spi, .outbound = {}, .made = now, .source = KeySource::exchange},
      exchange.spi,
      secrets.derive(names, Direction::responder_to_initiator, exchange.spi)};
  send(RekeyMessage::exchanged, encode(answer));
  return {};
}

Result<> RekeyEngine::State::on_exchanged(const Exchanged& exchanged, Instant now) {
  if (!exchanging || exchanging->exchange.epoch != exchanged.epoch) return {};  // of one that was given up
  Exchanging own = std::move(*exchanging);
  exchanging.reset();
  auto kem = std::move(own.kem).decapsulate(exchanged.kem_ciphertext);
  if (!kem) return fail(kem.error().message);
  auto agreed = std::move(own.x25519).agree(exchanged.x25519);
  if (!agreed) return fail(agreed.error().message);
  const SaSecrets secrets{std::move(*agreed), std::move(*kem)};
  const SaContext names = context(own.exchange, exchanged);
  const Spi in = own.exchange.spi;
  const Spi out = exchanged.spi;
  actions.emplace_back(InstallInbound{in, secrets.derive(names, Direction::responder_to_initiator, in)});
  actions.emplace_back(
      InstallOutbound{out, secrets.derive(names, Direction::initiator_to_responder, out), packets_max()});
  send(RekeyMessage::confirm, encode(Confirm{exchanged.epoch}));
  came_up(now, {.epoch = exchanged.epoch, .inbound = in, .outbound = out, .made = now, .source = KeySource::exchange});
  retry_at = now + rekey_retry_interval;
  return {};
}

}  // namespace cloister::vpn
