#include "tests/simulation/trouble.hpp"

#include <algorithm>
#include <format>
#include <set>

namespace cloister::simulation {
using namespace std::chrono_literals;

Trouble::Trouble(Stage& stage, const TroubleSettings& settings)
    : world_{stage.world},
      network_{stage.network},
      witness_{stage.witness},
      boxes_{stage.boxes},
      light_{*stage.light},
      policies_{stage.scale.bootstrap_again},
      settings_{settings},
      tpm_of_{stage.world.below(2)} {
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    boxes_[i].on_crashed = [this, i] { start_later(i); };
    boxes_[i].on_alarm = [this, i](const std::string& code, const std::string& text) {
      if (!explained(boxes_[i], code, text)) witness_.broken(std::format("A1: an alarm without a reason: {}", code));
    };
  }
}

template <class Happens>
void Trouble::several(std::uint64_t most, Happens happens) {
  for (auto times = 1 + world_.below(most); times > 0; --times)
    world_.plan_in(world_.between(1ms, settings_.lasts), [this, happens] {
      if (!ended_) happens();
    });
}

void Trouble::plan() {
  plan_network();
  plan_boxes();
  if (on(Fault::eavesdropper)) {
    several(2, [this] {
      world_.say("eve", "listens");
      light_.disturb(true);
      world_.plan_in(world_.between(100ms, 1s), [this] { light_.disturb(false); });
    });
  }
  if (on(Fault::exhausted_reserve)) {
    several(2, [this] {
      world_.say("light", "blocks pay less than they cost");
      light_.dim(true);
      poor_blocks_ = true;
      world_.plan_in(world_.between(300ms, 1500ms), [this] { light_.dim(false); });
    });
  }
}

void Trouble::plan_network() {
  Weather weather;
  weather.delay_most = on(Fault::delay) ? world_.between(10ms, 100ms) : world_.between(500us, 5ms);
  const auto share = [&](Fault fault, double most) {
    return on(fault) ? most * static_cast<double>(1 + world_.below(4)) / 4 : 0;
  };
  weather.datagram_loss = share(Fault::loss, 0.3);
  weather.datagram_repeat = share(Fault::repetition, 0.3);
  weather.datagram_change = share(Fault::corruption, 0.3);
  // One in a thousand pieces is one or two a run; more often nothing ever gets done.
  weather.piece_drop = share(Fault::loss, 0.004);
  weather.piece_repeat = share(Fault::repetition, 0.004);
  weather.piece_swap = share(Fault::reordering, 0.004);
  weather.piece_change = share(Fault::corruption, 0.004);
  weather.server_notices_cuts = world_.happens(0.7);
  network_.set(weather);
  if (on(Fault::cut)) several(4, [this] { network_.cut(); });
  if (on(Fault::partition)) {
    several(2, [this] {
      const auto which = world_.below(3);
      const auto span = world_.between(50ms, 2s);
      if (which != 1) network_.part(0, span);
      if (which != 0) network_.part(1, span);
    });
  }
  if (on(Fault::replay)) {
    several(20, [this] { network_.replay_datagram(); });
    several(2, [this] { network_.inject_into(world_.below(2)); });
    several(4, [this] { network_.impersonate_peer_of(world_.below(2)); });
  }
}

void Trouble::plan_boxes() {
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    boxes_[i].vault().set({.tpm_refuses = on(Fault::tpm_refusal) && world_.happens(0.7) ? 0.1 : 0,
                           .tpm_slow = on(Fault::tpm_delay) && world_.happens(0.7) ? 0.2 : 0,
                           .disk_error = on(Fault::disk_error) && world_.happens(0.7) ? 0.1 : 0});
    if (on(Fault::snapshot_restored) || on(Fault::tpm_rollback))
      several(3, [this, i] { boxes_[i].vault().take_snapshot(); });
    if (on(Fault::clock_jump)) {
      several(2, [this, i] {
        boxes_[i].jump(world_.between(1ms, world_.happens(0.5) ? Duration{2s} : Duration{1h}));
        witness_.set_wall_clock(i, static_cast<std::int64_t>(world_.below(20'000)) - 10'000);
      });
    }
    if (on(Fault::crash_at_io)) {
      several(3, [this, i] {
        const auto how = world_.happens(0.5) ? Crash::power : Crash::process;
        boxes_[i].crash_at_io(world_.below(30), how);
      });
    }
  }
  for (const auto& [fault, how] : {std::pair{Fault::process_crash, Crash::process}, {Fault::power_cut, Crash::power}}) {
    if (!on(fault)) continue;
    several(4, [this, how] {
      const auto first = world_.below(2);
      crash(first, how);
      if (world_.happens(0.3)) world_.plan_in(world_.between(0ms, 50ms), [this, first, how] { crash(1 - first, how); });
    });
  }
}

void Trouble::crash(std::size_t box, Crash how) {
  if (ended_ || !boxes_[box].running()) return;
  boxes_[box].crash(how);
  start_later(box);
}

void Trouble::start_later(std::size_t box) {
  auto what = TurnedBack::nothing;
  if (on(Fault::snapshot_restored) && world_.happens(0.5)) what = TurnedBack::disk;
  if (on(Fault::tpm_rollback) && (box == tpm_of_ || settings_.both_tpms) && world_.happens(0.5))
    what = world_.happens(0.7) ? TurnedBack::disk_and_tpm : TurnedBack::tpm;
  boxes_[box].turn_back(what);
  turned_back_ += what != TurnedBack::nothing ? 1 : 0;
  world_.plan_in(world_.between(1ms, 600ms), [this, box] { boxes_[box].start(); });
}

void Trouble::end() {
  world_.say("run", "the trouble ends");
  ended_ = true;
  network_.set({});
  light_.disturb(false);
  light_.dim(false);
  for (auto& box : boxes_) {
    box.vault().set({});
    box.forget_doom();
    box.start();
  }
}

bool Trouble::only_crashes() const {
  Faults others = settings_.faults;
  for (const auto fault :
       {Fault::process_crash, Fault::power_cut, Fault::crash_at_io, Fault::eavesdropper, Fault::delay})
    others.reset(static_cast<std::size_t>(fault));
  return others.none();
}

bool Trouble::explained(const SimulatedBox& box, std::string_view code, std::string_view text) const {
  static const std::set<std::string_view> of_the_peer{"PEER_UNREACHABLE", "PEER_SILENT", "TUNNEL_BLOCKED"};
  if (of_the_peer.contains(code)) return settings_.faults.any();
  // It counts too late, or a clock says so.
  if (code == "TPM_SLOW") return on(Fault::tpm_delay) || on(Fault::clock_jump);
  // A greeting is not authentic yet: who changes it can make it one of another release.
  if (code == "CHANNEL_TAMPERED" || code == "PEER_PROTOCOL" || code == "BOOTSTRAP_REFUSED" ||
      code == "AGREEMENT_DIFFERS")
    return network_.forgeries() > 0;
  if (code == "RESERVE_ROLLED_BACK") return turned_back_ > 0 || !box.vault().kept_any();
  if (code == "SEALED_RESERVE_UNAVAILABLE") return box.vault().refused();
  // What it was granted the peer knows, unless something was put back, has not come to a disk, or one of the two has
  // spent its pads and begins anew.
  if (text.contains("granted before") && turned_back_ == 0 && !on(Fault::exhausted_reserve) &&
      !boxes_[0].vault().refused() && !boxes_[1].vault().refused())
    return false;
  if (code == "SEALED_RESERVE_SPENT")
    return !only_crashes() || boxes_[0].crashes() + boxes_[1].crashes() >= settings_.restarts_served;
  if (code == "BOOTSTRAP_WAITS")
    return settings_.faults.any() && std::ranges::contains(policies_, session::BootstrapAgain::by_operator);
  if (code == "RESERVE_EMPTY") return settings_.faults.any();
  // Pads were spent in vain, or brought less than they cost; that is what a low reserve comes from.
  if (code == "AUTHENTICATION_LOWERED")
    return box.policy() == session::Policy::its_preferred && (witness_.pads_wasted() || poor_blocks_);
  if (code == "QBER_HIGH") return on(Fault::eavesdropper);
  if (code == "NO_SECRET_KEY") return on(Fault::exhausted_reserve) || on(Fault::eavesdropper);
  return false;
}

}  // namespace cloister::simulation
