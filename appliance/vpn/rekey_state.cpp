// The SAs of a tunnel in time, and what the last session has left.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "appliance/vpn/rekey_state.hpp"

namespace cloister::vpn {
namespace {

using namespace std::chrono_literals;

constexpr auto exchange_patience = 5s;
constexpr auto grace_max = 5s;  // and half an interval at most: never more than two receiving SAs

}  // namespace

void RekeyEngine::State::send(RekeyMessage type, std::vector<std::byte> payload) {
  actions.emplace_back(SendMessage{static_cast<std::uint8_t>(type), std::move(payload)});
}

void RekeyEngine::State::retire_current(Instant now) {
  if (!current) return;
  retiring.push_back({current->inbound, std::min(now + std::min<milliseconds>(grace_max, settings.rekey_interval / 2),
                                                 end_of(*current))});
  current.reset();
}

void RekeyEngine::State::came_up(Instant now, Generation generation) {
  const bool was_stopgap = current && current->source != KeySource::qkd;
  const bool is_stopgap = generation.source != KeySource::qkd;
  generation.due = now + until_due(now);
  retire_current(now);
  generation.sent_before = sent.value_or(Volume{});
  current = generation;
  without_key_since.reset();
  last_rekey_took = begun ? std::optional{floor<milliseconds>(now - *begun)} : std::nullopt;
  if (ever_up && !blocked) {
    ++rekeys;
    actions.emplace_back(TunnelRekeyed{generation.epoch});
  } else {
    actions.emplace_back(TunnelUp{generation.epoch, generation.source});
  }
  if (std::exchange(late, false)) actions.emplace_back(RekeyLateOver{.by_key = true});
  ever_up = true;
  blocked = false;
  if (is_stopgap && !was_stopgap) actions.emplace_back(StopgapBegun{generation.source});
  if (was_stopgap && !is_stopgap) actions.emplace_back(StopgapEnded{.by_key = true});
}

milliseconds RekeyEngine::State::until_due(Instant now) const {
  if (current && now < current->due + settings.rekey_interval / 10) return settings.rekey_interval;
  const auto least = settings.rekey_interval / (current ? 2 : 10);  // its predecessor's grace is over then
  std::array<std::uint16_t, 1> drawn{};
  random->fill(std::as_writable_bytes(std::span{drawn}));
  return settings.rekey_interval - (settings.rekey_interval - least) * drawn[0] / 65'536;
}

void RekeyEngine::State::give_up_exchange() {
  asking.reset();
  offering.reset();
  offered.reset();
  exchanging.reset();
}

void RekeyEngine::State::drop_accepted() {
  if (accepting) actions.emplace_back(RetireInbound{accepting->generation.inbound});
  accepting.reset();
}

void RekeyEngine::State::end_current() {
  actions.emplace_back(RetireOutbound{});
  actions.emplace_back(RetireInbound{current->inbound});
  if (current->source != KeySource::qkd) actions.emplace_back(StopgapEnded{.by_key = false});
  current.reset();
}

void RekeyEngine::State::block(std::string reason) {
  end_current();
  actions.emplace_back(TunnelBlocked{std::move(reason)});
  blocked = true;
}

void RekeyEngine::State::named(const wire::KeyName& key) {
  keys_from = std::max(keys_from, {key.block, key.index + 1});
}

void RekeyEngine::State::begin_wanted(Instant now) {
  if (may_begin()) begin_rekey(now);
  arm();
}

bool RekeyEngine::State::may_begin() const {
  return session && met && settings.initiator && !asking && !offering && !exchanging;
}

bool RekeyEngine::State::rekey_due(Instant now) const {
  return !current || current->source == KeySource::exchange || now >= current->due || due_by_volume();
}

bool RekeyEngine::State::due_by_volume() const {
  if (!retiring.empty()) return false;
  const auto used = under_current();
  const auto reached = [](std::uint64_t most, std::uint64_t so_far) { return most > 0 && so_far >= most; };
  return reached(settings.rekey_after.packets, used.packets) || reached(settings.rekey_after.bytes, used.bytes) ||
         used.packets >= packets_max() / 2;
}

Instant RekeyEngine::State::late_at(const Generation& generation) const {
  return generation.made + (settings.rekey_interval + settings.key_lifetime) / 2;
}

Volume RekeyEngine::State::under_current() const {
  if (!current || !sent) return {};
  const auto& before = current->sent_before;
  return {.packets = sent->packets - before.packets, .bytes = sent->bytes - before.bytes};
}

void RekeyEngine::State::do_what_is_due(Instant now) {
  std::erase_if(retiring, [&](const Retiring& old) {
    if (now < old.at) return false;
    actions.emplace_back(RetireInbound{old.spi});
    return true;
  });
  if (current && !late && current->source == KeySource::qkd && now >= late_at(*current)) {
    late = true;
    const auto left = ceil<milliseconds>(current->made + settings.key_lifetime - now);
    actions.emplace_back(RekeyLate{std::max(left, milliseconds{0})});
  }
  extend_if_due(now);
  if (current && (now >= end_of(*current) || under_current().packets >= packets_max()))
    block(session ? "no key is left" : "no session with the peer, and the last key has ended");
  if (accepting && now >= end_of(accepting->generation)) drop_accepted();
  if (offering && now >= offering->since + exchange_patience) offering.reset();
  if (exchanging && now >= exchanging->since + exchange_patience) exchanging.reset();
  const bool due = rekey_due(now);
  if (!due) retry_at.reset();  // what was wanted before its time is not tried again
  if (due && may_begin() && (!retry_at || now >= *retry_at)) begin_rekey(now);
}

void RekeyEngine::State::arm() {
  std::optional<Instant> next;
  const auto consider = [&](Instant at) { next = next ? std::min(*next, at) : at; };
  for (const auto& old : retiring) consider(old.at);
  if (accepting) consider(end_of(accepting->generation));
  if (offering) consider(offering->since + exchange_patience);
  if (exchanging) consider(exchanging->since + exchange_patience);
  if (current) {
    if (!late && current->source == KeySource::qkd) consider(late_at(*current));
    if (may_extend(*current)) consider(current->made + settings.key_lifetime);
    consider(end_of(*current));
  }
  if (may_begin()) {
    if (retry_at)
      consider(*retry_at);
    else if (current)
      consider(current->due);
  }
  if (next) actions.emplace_back(WakeAt{*next});
}

void RekeyEngine::State::send_standing() {
  send(RekeyMessage::standing, encode(Standing{.newest_epoch = newest_epoch,
                                               .in_use = current ? current->epoch : 0,
                                               .accepted = accepting ? accepting->generation.epoch : 0,
                                               .keys_from = keys_from}));
}

Result<> RekeyEngine::State::on_standing(const Standing& peer, Instant now) {
  if (met) return fail("a second standing in one session");
  met = true;
  newest_epoch = std::max(newest_epoch, peer.newest_epoch);
  keys_from = std::max(keys_from, peer.keys_from);
  actions.emplace_back(BurnKeysBefore{keys_from});
  if (accepting) {
    if (accepting->generation.epoch == peer.in_use)
      on_confirm({peer.in_use}, now);
    else
      drop_accepted();
  }
  if (current && current->epoch != peer.in_use && current->epoch != peer.accepted)
    block("the peer no longer has the SAs of the last key");
  return {};
}

}  // namespace cloister::vpn
