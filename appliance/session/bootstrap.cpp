#include <utility>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/session_state.hpp"

namespace cloister::session {
using hooks::planted;
using hooks::PlantedBug;

void Session::State::on_greeting(const Frame& frame, Instant now) {
  if (const auto said = other_version(frame.payload)) {
    back_off = back_off_max;
    return end(
        "AGREEMENT_DIFFERS",
        std::format("the two boxes are of different releases: the other end speaks version {} of the protocol, this "
                    "box {}: update the older",
                    *said, greeting_version),
        now);
  }
  auto greeting = decode_greeting(frame.payload);
  if (!greeting)
    return end(
        "PEER_PROTOCOL",
        "what answers at the peer's address does not greet as Cloister does: check 'peer_address' and the versions",
        now);
  if (greeting->box != settings.peer_box || greeting->peer != settings.local_box || greeting->link != settings.link ||
      greeting->side == static_cast<std::uint8_t>(side)) {
    return end("PEER_PROTOCOL",
               std::format("the other end says it is box '{}', looking for '{}' on link '{}'; expected '{}', '{}', "
                           "'{}': compare the names in both configurations",
                           greeting->box, greeting->peer, greeting->link, settings.peer_box, settings.local_box,
                           settings.link),
               now);
  }
  channel->peer = std::move(*greeting);
  channel->peer_greeting.assign(frame.payload.begin(), frame.payload.end());
  const auto& client_greeting = client() ? channel->own_greeting : channel->peer_greeting;
  const auto& server_greeting = client() ? channel->peer_greeting : channel->own_greeting;
  const auto digest = greetings_digest(client_greeting, server_greeting);
  std::copy_n(digest.begin(), channel->id.size(), channel->id.begin());

  if (may_resume()) {
    use_keys(direction_keys(reserve.channel_key().expose(), "resume", digest), true);
    return become_ready();
  }
  if (const auto generation = common_generation()) {
    channel->generation = generation;
    use_keys(direction_keys(sealed->find(*generation)->channel_key.expose(), "restart", digest), true);
    return become_ready();
  }
  if (!channel->own_bootstraps || !channel->peer.bootstraps) return await_operator(now);
  channel->phase = Phase::bootstrapping;
  std::vector<std::byte> context(client_greeting);
  context.insert(context.end(), server_greeting.begin(), server_greeting.end());
  const auto& client_box = client() ? settings.local_box : settings.peer_box;
  const auto& server_box = client() ? settings.peer_box : settings.local_box;
  channel->handshake.emplace(
      client() ? crypto::TlsRole::client : crypto::TlsRole::server, credentials,
      std::format("cloister-bootstrap v1 client={} server={} link={}", client_box, server_box, settings.link),
      std::move(context));
  if (client()) on_bootstrap({}, now);
}

bool Session::State::may_resume() const {
  const auto& peer = channel->peer;
  return same_lives() && reserve_serves() && peer.channel_block == reserve.channel_block()->value;
}

bool Session::State::same_lives() const {
  return peer_life == channel->peer.life && channel->peer.known_peer_life == life;
}

void Session::State::on_bootstrap(std::span<const std::byte> bytes, Instant now) {
  if (!credentials.signs_elsewhere()) return on_advanced(channel->handshake->advance(bytes), now);
  channel->step.emplace(
      AdvanceHandshake{channel->number, std::move(*channel->handshake), {bytes.begin(), bytes.end()}});
  channel->handshake.reset();
  channel->handshake_away = true;
  begin_step();
}

void Session::State::begin_step() {
  if (step_away || !channel || !channel->step) return;
  actions.emplace_back(std::move(*channel->step));
  channel->step.reset();
  step_away = true;
}

void Session::on_handshake(AdvanceHandshake step, const Result<std::vector<std::byte>>& answer, Instant now) {
  State& state = *state_;
  state.step_away = false;
  if (!state.channel || state.channel->number != step.connection) return state.begin_step();
  state.channel->handshake.emplace(std::move(step.handshake));
  state.channel->handshake_away = false;
  state.on_advanced(answer, now);
  state.receive(now);
  if (!state.channel || state.channel->handshake_away) return;
  if (const auto reason = std::exchange(state.channel->closed, std::nullopt)) state.disconnected(*reason, now);
}

void Session::State::on_advanced(const Result<std::vector<std::byte>>& answer, Instant now) {
  if (!answer) {
    if (const auto alert = channel->handshake->take_alert(); !alert.empty()) send(FrameKind::bootstrap, alert);
    return refuse_bootstrap(answer.error().message, now);
  }
  if (!answer->empty()) send(FrameKind::bootstrap, *answer);
  if (!channel->handshake->done()) return;
  auto secret = channel->handshake->take_secret();
  if (!secret) return refuse_bootstrap(secret.error().message, now);
  hooks::saw_bootstrap_secret(secret->expose());
  channel->bootstrap.emplace(std::move(*secret));
  use_keys(direction_keys(channel->bootstrap->secret.expose(), "bootstrap", channel->id), false);
  become_ready();
}

void Session::State::on_unready(std::span<const std::byte> frame, Instant now) {
  const auto plain = decode_body(frame);
  if (plain && plain->kind == FrameKind::bootstrap) {
    if (const auto refusal = channel->handshake->late_refusal(plain->payload)) return refuse_bootstrap(*refusal, now);
  }
  if (credentials.psk && credentials.by_keys())
    return refuse_bootstrap(
        "the keys are the right ones, but what the boxes made of them and of the PSK differs: the two do not hold the "
        "same PSK ('cloisterctl psk' gives them one), or a frame was changed on its way",
        now);
  end("CHANNEL_TAMPERED", "a frame of the classical channel was changed, repeated or lost on its way", now);
}

/// What the peer says of its configuration is not authentic here, so it is no more than a hint.
void Session::State::refuse_bootstrap(const std::string& why, Instant now) {
  const auto difference = first_difference(settings.agreement, channel->peer.agreement);
  end("BOOTSTRAP_REFUSED",
      difference ? std::format("{} (the peer says that the two are configured differently: {})", why, *difference)
                 : why,
      now);
}

void Session::State::use_keys(DirectionKeys keys, bool by_qkd) {
  channel->send_key = std::move(client() ? keys.client : keys.server);
  channel->receive_key = std::move(client() ? keys.server : keys.client);
  channel->sends_by_qkd = channel->receives_by_qkd = channel->switched = by_qkd;
}

void Session::State::become_ready() {
  channel->phase = Phase::readying;
  send(FrameKind::ready);
}

void Session::State::on_ready(Instant now) {
  channel->handshake.reset();
  if (const auto difference = first_difference(settings.agreement, channel->peer.agreement)) {
    back_off = back_off_max;
    return end("AGREEMENT_DIFFERS",
               std::format("the two boxes are configured differently: {}: make them alike", *difference), now);
  }
  if (!judge_peer_counters(now)) return;
  if (channel->generation) return begin_opening(now);
  // Nobody has said yet that he may not: the policy may have changed meanwhile.
  if (channel->bootstrap && !may_bootstrap()) return await_operator(now);
  if (channel->bootstrap && sealed && !sealed->bootstrap_noted()) return note_bootstrap(now);
  begin_session(now);
}

void Session::State::begin_session(Instant now) {
  if (!same_lives()) {
    drop_reserve();
    made.reset();
  }
  std::vector<BlockId> kept;
  if (same_lives()) std::ranges::set_intersection(held, channel->peer.held, std::back_inserter(kept));
  // A reserve that one box has spent or lost serves nobody: the other would wait for ever to be switched to it.
  if (channel_block() == 0 || channel->peer.channel_block != channel_block()) drop_reserve();
  establish(kept, now);
}

void Session::State::establish(const std::vector<BlockId>& kept, Instant now) {
  held = kept;
  reserve.keep_only(kept);
  if (channel->switched && !reserve_serves()) {
    // What serves nobody is not offered again, else the two would meet on it for ever.
    if (planted(PlantedBug::spent_chunk_kept)) return end("RESERVE_EMPTY", "what is left serves nobody", now);
    if (channel->generation) return give_up("all pads of the opened chunk are spent", now);
    drop_reserve();
    return end("RESERVE_EMPTY",
               "what is left of the authentication reserve is not on both boxes: the channel must be "
               "bootstrapped again",
               now);
  }
  judge_pad(kept);
  peer_life = channel->peer.life;
  awaited = Awaited::nobody;
  if (!planted(PlantedBug::allowance_kept)) allowance = Allowance::none;

  channel->phase = Phase::established;
  channel->established_at = now;
  channel->next_keep_alive = now + keep_alive_interval;
  const BlockId first{std::max(book.next().value, channel->peer.next_block)};
  book.begin_session(first);
  counters.last_error.clear();
  outage_reported = true;
  actions.emplace_back(Established{first, kept, channel->switched ? by_qkd_now() : Authenticator::bootstrap,
                                   channel->generation.has_value()});
  tell_established();
  begin_building();
  offer_switch();  // a reserve that both kept through a new bootstrap serves again at once
  arm(now);
}

}  // namespace cloister::session
