#include "appliance/vpn/rekey.hpp"

#include <format>
#include <utility>

#include "appliance/vpn/rekey_state.hpp"

namespace cloister::vpn {

const char* to_string(KeySource source) {
  switch (source) {
    case KeySource::none:
      return "none";
    case KeySource::qkd:
      return "qkd";
    case KeySource::extended:
      return "extended";
    case KeySource::exchange:
      return "pqc";
  }
  return "";
}

RekeyEngine::RekeyEngine(RekeySettings settings, crypto::Random& random, Instant) : state_{std::make_unique<State>()} {
  state_->settings = std::move(settings);
  state_->random = &random;
}

RekeyEngine::~RekeyEngine() = default;
RekeyEngine::RekeyEngine(RekeyEngine&&) noexcept = default;
RekeyEngine& RekeyEngine::operator=(RekeyEngine&&) noexcept = default;

void RekeyEngine::on_session_up(Instant now) {
  state_->session = true;
  state_->met = false;
  state_->retry_at.reset();
  state_->without_key_since.reset();
  state_->begun.reset();
  state_->send_standing();
  state_->do_what_is_due(now);
  state_->arm();
}

void RekeyEngine::on_session_down(Instant now) {
  state_->session = false;
  state_->give_up_exchange();
  state_->do_what_is_due(now);
  state_->arm();
}

void RekeyEngine::end() {
  State& state = *state_;
  state.session = false;
  state.give_up_exchange();
  state.drop_accepted();
  for (const auto& old : state.retiring) state.actions.emplace_back(RetireInbound{old.spi});
  state.retiring.clear();
  if (state.current) state.end_current();
  if (std::exchange(state.late, false)) state.actions.emplace_back(RekeyLateOver{.by_key = false});
}

Result<> RekeyEngine::on_message(std::uint8_t type, std::span<const std::byte> payload, Instant now) {
  State& state = *state_;
  auto message = decode_rekey(type, payload, state.settings.hybrid);
  const auto& tunnel = state.settings.tunnel;
  if (!message)
    return fail(
        std::format("tunnel '{}': a rekey message of type {} and {} bytes is none", tunnel, type, payload.size()));
  if (!state.met && !std::holds_alternative<Standing>(*message))
    return fail(std::format("tunnel '{}': a rekey message of type {} before the peer's standing", tunnel, type));
  Result<> result;
  struct Visitor {
    State& state;
    Instant now;
    Result<> operator()(Standing& standing) const { return state.on_standing(standing, now); }
    Result<> operator()(Offer& offer) const {
      if (state.settings.initiator) return fail("an offer from the side that only answers");
      return state.on_offer(std::move(offer), now);
    }
    Result<> operator()(Accept& accept) const { return state.on_accept(accept, now); }
    Result<> operator()(Exchange& exchange) const {
      if (state.settings.initiator) return fail("an exchange from the side that only answers");
      return state.on_exchange(exchange, now);
    }
    Result<> operator()(Exchanged& exchanged) const { return state.on_exchanged(exchanged, now); }
    Result<> operator()(Confirm& confirm) const {
      state.on_confirm(confirm, now);
      return {};
    }
    Result<> operator()(Reject& reject) const {
      state.on_reject(reject, now);
      return {};
    }
    Result<> operator()(Wish& wish) const {
      if (!state.settings.initiator) return fail("a wish from the side that begins by itself");
      if (state.newest_epoch <= wish.epoch && state.retiring.empty()) state.begin_wanted(now);
      return {};
    }
  };
  result = std::visit(Visitor{state, now}, *message);
  state.do_what_is_due(now);
  state.arm();
  if (!result) return fail(std::format("tunnel '{}': {}", tunnel, result.error().message));
  return {};
}

void RekeyEngine::on_key(wire::KeyName name, wire::Authenticator by, crypto::TunnelKey key, Instant now) {
  State& state = *state_;
  state.named(name);
  ++state.keys_taken;
  if (state.offered && state.offered->offer.key_name == name) {
    state.accept_offer(by, std::move(key), now);
  } else if (state.asking) {
    state.newest_epoch += 1;
    state.begun = now;
    Offering exchange{
        {state.newest_epoch, name, state.fresh_spi(), {}}, by, std::move(key), std::move(state.asking->kem), now};
    state.asking.reset();
    if (exchange.kem) exchange.offer.kem_public = exchange.kem->public_key();
    state.send(RekeyMessage::offer, encode(exchange.offer));
    state.offering = std::move(exchange);
  }
  state.arm();
}

void RekeyEngine::on_no_key(Instant now) {
  State& state = *state_;
  if (state.offered) {
    state.send(RekeyMessage::reject, encode(Reject{state.offered->offer.epoch}));
    state.offered.reset();
  } else if (state.asking) {
    state.asking.reset();
    state.on_stock_empty(now);
  }
  state.arm();
}

void RekeyEngine::on_timer(Instant now) {
  state_->do_what_is_due(now);
  state_->arm();
}

void RekeyEngine::on_sent(Volume sent, Instant now) {
  State& state = *state_;
  if (!state.sent && state.current) state.current->sent_before = sent;
  state.sent = sent;
  state.do_what_is_due(now);
  // Whose traffic makes a rekey due may be the side that only answers.
  const bool may_wish = state.session && state.met && !state.settings.initiator && state.current;
  if (may_wish && state.due_by_volume() && (!state.retry_at || now >= *state.retry_at)) {
    state.send(RekeyMessage::wish, encode(Wish{state.newest_epoch}));
    state.retry_at = now + rekey_retry_interval;
  }
  state.arm();
}

void RekeyEngine::on_heard(Spi spi, Instant now) {
  State& state = *state_;
  if (!state.accepting || state.accepting->generation.inbound.value != spi.value) return;
  state.on_confirm({state.accepting->generation.epoch}, now);
  state.arm();
}

Result<> RekeyEngine::on_rekey_wanted(Instant now) {
  State& state = *state_;
  if (!state.session || !state.met) return fail("there is no session with the peer: see 'cloisterctl link'");
  if (!state.retiring.empty()) return fail("the rekey before is not over yet: wait some seconds");
  if (state.settings.initiator)
    state.begin_wanted(now);
  else
    state.send(RekeyMessage::wish, encode(Wish{state.newest_epoch}));
  return {};
}

std::optional<RekeyAction> RekeyEngine::next_action() {
  auto& actions = state_->actions;
  if (actions.empty()) return std::nullopt;
  RekeyAction action = std::move(actions.front());
  actions.pop_front();
  return action;
}

RekeyStatus RekeyEngine::status() const {
  const State& state = *state_;
  RekeyStatus status{.state = state.current   ? "up"
                              : state.ever_up ? "blocked"
                                              : "waiting",
                     .epoch = state.current ? state.current->epoch : state.newest_epoch,
                     .rekeys = state.rekeys,
                     .keys_taken = state.keys_taken,
                     .last_rekey_took = state.last_rekey_took,
                     .inbound = std::nullopt,
                     .outbound = std::nullopt,
                     .accepted = std::nullopt,
                     .key_made = std::nullopt,
                     .key_ends = std::nullopt,
                     .source = KeySource::none,
                     .authenticated_by = wire::Authenticator::none,
                     .pad = std::nullopt};
  if (state.accepting) status.accepted = state.accepting->generation.inbound;
  if (state.current) {
    status.inbound = state.current->inbound;
    status.outbound = state.current->outbound;
    status.key_made = state.current->made;
    status.key_ends = state.current->made + state.settings.key_lifetime;
    status.source = state.current->source;
    status.authenticated_by = state.current->by;
  }
  return status;
}

}  // namespace cloister::vpn
