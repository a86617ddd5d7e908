#include <format>
#include <utility>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/session_state.hpp"

/// Whether the boxes may bootstrap, where they have no key in common that would spare it. Each greeting says whether its
/// box does; where one does not, neither begins, and the client asks again after the back-off.
///
///   the link's first one   by itself: setting the link up was the operator's act. That it was made is on disk and in
///                          the TPM before its session begins
///   each later one         `automatic`: by itself; `by_operator`: once for each time that he allows it
///
/// What a greeting says is not authentic here: of the peer's it is no more than a hint.

namespace cloister::session {
using hooks::planted;
using hooks::PlantedBug;

bool Session::State::may_bootstrap() const {
  return settings.bootstrap_again == BootstrapAgain::automatic || allowance != Allowance::none ||
         planted(PlantedBug::allowance_not_asked);
}

void Session::State::await_operator(Instant now) {
  const bool own = !may_bootstrap();
  const bool peers = !channel->peer.bootstraps;
  auto whom = Awaited::nobody;  // he has acted since this box greeted
  if (peers) whom = Awaited::peers_operator;
  if (own) whom = Awaited::own_operator;
  if (std::exchange(awaited, whom) != whom && whom != Awaited::nobody)
    alarm("BOOTSTRAP_WAITS", why_waiting(own, peers));
  actions.emplace_back(Disconnect{});
  outage_since = now;  // the peer is there, until it comes no more
  outage_reported = false;
  back_off = std::min(back_off, back_off_waiting_max);
  lose("an operator must allow a bootstrap", now);
}

std::string Session::State::why_waiting(bool own, bool peers) const {
  const std::string order = std::format("'cloisterctl link bootstrap {}'", settings.link);
  if (!own)
    return std::format("box '{}' says that it bootstraps again only when its operator allows it: {} there",
                       settings.peer_box, order);
  return std::format(
      "the boxes have no QKD key in common, and this one bootstraps again only when its operator allows it "
      "('bootstrap.again'): say {} when you know why{}",
      order, peers ? std::format("; box '{}' says that it waits for its operator too", settings.peer_box) : "");
}

void Session::State::note_bootstrap(Instant now) {
  channel->awaits_note = true;
  if (std::exchange(noting_bootstrap, true)) return;
  channel->next_keep_alive = now + keep_alive_interval;  // the peer may have begun the session
  const auto counter = sealed->note_bootstrap();
  store({.what = VaultStep::What::note_bootstrap, .counter = counter});
  if (planted(PlantedBug::bootstrap_noted_late)) go_on_after_note(now);
}

/// The counter follows the disk: else a disk that does not take the record would look like one that was put back.
void Session::State::on_bootstrap_on_disk(std::uint64_t counter) {
  actions.emplace_back(MoveCounter{Counter::own, counter});
  vault_steps.push_back({.what = VaultStep::What::bootstrapped});
}

void Session::State::on_bootstrap_noted(std::uint64_t own_counter, Instant now) {
  sealed->bootstrap_is_noted();
  sealed->counter_moved(Counter::own, own_counter);
  // It was greeted as it was; the peer needs it for nothing but to see that it does not go back.
  if (channel) channel->own_counter = own_counter;
  go_on_after_note(now);
}

void Session::State::go_on_after_note(Instant now) {
  noting_bootstrap = false;
  if (!channel || !std::exchange(channel->awaits_note, false)) return;
  if (!may_bootstrap()) return await_operator(now);
  begin_session(now);
  receive(now);
}

void Session::follow(BootstrapAgain again) {
  state_->settings.bootstrap_again = again;
  if (again == BootstrapAgain::automatic && state_->awaited == Awaited::own_operator) state_->awaited = Awaited::nobody;
}

Result<> Session::allow_bootstrap(Instant now) {
  State& state = *state_;
  const auto& peer = state.settings.peer_box;
  if (state.awaited == Awaited::peers_operator)
    return fail(std::format("it is box '{}' that waits for its operator: say it there", peer));
  if (state.awaited == Awaited::nobody && state.allowance == Allowance::by_operator)
    return fail(std::format("one bootstrap is allowed already, and box '{}' has not come for it yet", peer));
  if (state.awaited == Awaited::nobody) return fail("it does not wait for an operator: nothing is to be allowed");
  state.awaited = Awaited::nobody;
  state.allowance = Allowance::by_operator;
  state.outage_since = now;
  state.outage_reported = false;
  state.arm(now);
  return {};
}

}  // namespace cloister::session
