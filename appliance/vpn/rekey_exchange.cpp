// One exchange of OFFER, ACCEPT and CONFIRM, from either side.
#include <algorithm>
#include <format>

#include "appliance/vpn/random_spi.hpp"
#include "appliance/vpn/rekey_state.hpp"

namespace cloister::vpn {
void RekeyEngine::State::begin_rekey(Instant now) {
  Asking next;
  if (settings.hybrid) {
    auto kem = crypto::KemKeyPair::generate();
    if (!kem) {
      retry_at = now + rekey_retry_interval;
      return;
    }
    next.kem = std::move(*kem);
  }
  retry_at.reset();
  asking = std::move(next);
  actions.emplace_back(NeedKey{});
}

Spi RekeyEngine::State::fresh_spi() const {
  for (;;) {
    const Spi spi = random_spi(*random);
    const bool taken = (current && current->inbound == spi) || (accepting && accepting->generation.inbound == spi) ||
                       std::ranges::contains(retiring, spi, &Retiring::spi);
    if (!taken) return spi;
  }
}

SaContext RekeyEngine::State::context(const Offer& offer, std::span<const std::byte> ciphertext) const {
  return {.tunnel = settings.tunnel,
          .initiator = settings.initiator ? settings.local_box : settings.peer_box,
          .responder = settings.initiator ? settings.peer_box : settings.local_box,
          .epoch = offer.epoch,
          .key_name = offer.key_name,
          .kem_public_key = offer.kem_public,
          .kem_ciphertext = ciphertext,
          .x25519_initiator = {},
          .x25519_responder = {}};
}

Result<> RekeyEngine::State::on_offer(Offer offer, Instant now) {
  if (offer.epoch <= newest_epoch) return fail(std::format("an offer of epoch {}, which has been", offer.epoch));
  offered.reset();
  drop_accepted();  // the initiator has given it up
  newest_epoch = offer.epoch;
  begun = now;
  const wire::KeyName name = offer.key_name;
  named(name);
  offered = Offered{std::move(offer)};
  actions.emplace_back(NeedKey{name});
  return {};
}

void RekeyEngine::State::accept_offer(wire::Authenticator by, crypto::TunnelKey key, Instant now) {
  const Offer offer = std::move(offered->offer);
  offered.reset();
  std::optional<crypto::KemSecret> kem;
  Accept accept{offer.epoch, fresh_spi(), {}};
  if (settings.hybrid) {
    auto encapsulated = crypto::kem_encapsulate(offer.kem_public);
    if (!encapsulated) return send(RekeyMessage::reject, encode(Reject{offer.epoch}));
    accept.kem_ciphertext = std::move(encapsulated->ciphertext);
    kem = std::move(encapsulated->secret);
  }
  const SaSecrets secrets{std::move(key), std::move(kem)};
  const SaContext names = context(offer, accept.kem_ciphertext);
  actions.emplace_back(
      InstallInbound{accept.spi, secrets.derive(names, Direction::initiator_to_responder, accept.spi)});
  accepting = Accepting{{.epoch = offer.epoch, .inbound = accept.spi, .outbound = {}, .made = now, .by = by},
                        offer.spi,
                        secrets.derive(names, Direction::responder_to_initiator, offer.spi)};
  send(RekeyMessage::accept, encode(accept));
}

Result<> RekeyEngine::State::on_accept(const Accept& accept, Instant now) {
  if (!offering || offering->offer.epoch != accept.epoch) return {};  // of an exchange that was given up
  Offering exchange = std::move(*offering);
  offering.reset();
  std::optional<crypto::KemSecret> kem;
  if (settings.hybrid) {
    auto secret = std::move(*exchange.kem).decapsulate(accept.kem_ciphertext);
    if (!secret) return fail(secret.error().message);
    kem = std::move(*secret);
  }
  const SaSecrets secrets{std::move(exchange.key), std::move(kem)};
  const SaContext names = context(exchange.offer, accept.kem_ciphertext);
  actions.emplace_back(
      InstallInbound{exchange.offer.spi, secrets.derive(names, Direction::responder_to_initiator, exchange.offer.spi)});
  actions.emplace_back(
      InstallOutbound{accept.spi, secrets.derive(names, Direction::initiator_to_responder, accept.spi), packets_max()});
  send(RekeyMessage::confirm, encode(Confirm{accept.epoch}));
  came_up(
      now,
      {.epoch = accept.epoch, .inbound = exchange.offer.spi, .outbound = accept.spi, .made = now, .by = exchange.by});
  return {};
}

void RekeyEngine::State::on_confirm(const Confirm& confirm, Instant now) {
  if (!accepting || accepting->generation.epoch != confirm.epoch) return;
  Accepting exchange = std::move(*accepting);
  accepting.reset();
  exchange.generation.outbound = exchange.spi_out;
  actions.emplace_back(InstallOutbound{exchange.spi_out, std::move(exchange.key_out), packets_max()});
  came_up(now, exchange.generation);
}

void RekeyEngine::State::on_reject(const Reject& reject, Instant now) {
  const bool of_offer = offering && offering->offer.epoch == reject.epoch;
  const bool of_exchange = exchanging && exchanging->exchange.epoch == reject.epoch;
  if (!of_offer && !of_exchange) return;
  give_up_exchange();
  on_stock_empty(now);
}

}  // namespace cloister::vpn
