#include "tests/simulation/trouble.hpp"

#include <algorithm>
#include <format>
#include <set>

namespace cloister::simulation {
using namespace std::chrono_literals;

Trouble::Trouble(VirtualWorld& world, const std::vector<std::unique_ptr<Stage>>& links, const TroubleSettings& settings)
    : world_{world}, links_{links}, settings_{settings}, tpm_of_{world.below(2)} {
  machines_.resize(1);  // the first box is on all links
  for (const auto& link : links_) {
    machines_.front().push_back(&link->boxes[0]);
    machines_.push_back({&link->boxes[1]});
    for (auto& box : link->boxes) {
      if (on(Fault::memory_restored)) box.keep_copies();
      box.on_alarm = [this, &link = *link, &box](const std::string& code, const std::string& text) {
        if (!explained(link, box, code, text))
          link.witness.broken(std::format("A1: an alarm without a reason: {}", code));
      };
    }
  }
  for (std::size_t i = 0; i < machines_.size(); ++i)
    for (auto* box : machines_[i]) box->on_crashed = [this, i](Crash how) { on_crashed(i, how); };
}

template <class Happens>
void Trouble::several(std::uint64_t most, Happens happens) {
  for (auto times = 1 + world_.below(most); times > 0; --times)
    world_.plan_in(world_.between(1ms, settings_.lasts), [this, happens] {
      if (!ended_) happens();
    });
}

void Trouble::plan() {
  for (const auto& link : links_) plan_network(*link);
  plan_boxes();
  if (on(Fault::memory_restored)) plan_memory();
  for (const auto& link : links_) plan_light(*link);
}

void Trouble::plan_light(Stage& link) {
  Light& light = *link.light;
  if (on(Fault::eavesdropper)) {
    several(2, [this, &light] {
      world_.say("eve", "listens");
      light.disturb(true);
      world_.plan_in(world_.between(100ms, 1s), [&light] { light.disturb(false); });
    });
  }
  if (on(Fault::suspect_device)) {
    several(4, [this, &link] { link.boxes[world_.below(2)].suspect(); });
  }
  if (on(Fault::exhausted_reserve)) {
    several(2, [this, &light] {
      world_.say("light", "blocks pay less than they cost");
      light.dim(true);
      poor_blocks_ = true;
      world_.plan_in(world_.between(300ms, 1500ms), [&light] { light.dim(false); });
    });
  }
}

/// An earlier moment's memory, once; with it what else of a machine may be put back with it.
void Trouble::plan_memory() {
  const auto number = world_.below(machines_.size());
  const Machine& machine = machines_[number];
  world_.plan_in(world_.between(1ms, settings_.lasts / 2), [&machine] {
    for (auto* box : machine) box->take_memory_snapshot();
  });
  world_.plan_in(world_.between(settings_.lasts / 2, settings_.lasts), [this, number, &machine] {
    auto what = std::array{TurnedBack::nothing, TurnedBack::disk, TurnedBack::disk_and_tpm}[world_.below(3)];
    if (what == TurnedBack::disk_and_tpm && number != tpm_of_ && !settings_.both_tpms) what = TurnedBack::disk;
    if (ended_ || !std::ranges::all_of(machine, &SimulatedBox::has_memory_snapshot)) return;
    turned_back_ += what != TurnedBack::nothing ? 1 : 0;
    ++memories_restored_;
    for (auto* box : machine) box->restore_memory(what);
  });
}

void Trouble::plan_network(Stage& link) {
  Network& network = link.network;
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
  network.set(weather);
  if (on(Fault::cut)) several(4, [&network] { network.cut(); });
  if (on(Fault::partition)) {
    several(2, [this, &network] {
      const auto which = world_.below(3);
      const auto span = world_.between(50ms, 2s);
      if (which != 1) network.part(0, span);
      if (which != 0) network.part(1, span);
    });
  }
  if (on(Fault::replay)) {
    several(20, [&network] { network.replay_datagram(); });
    several(2, [this, &network] { network.inject_into(world_.below(2)); });
    several(4, [this, &network] { network.impersonate_peer_of(world_.below(2)); });
  }
}

void Trouble::plan_boxes() {
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    const Machine& machine = machines_[i];
    const VaultTrouble trouble{.tpm_refuses = on(Fault::tpm_refusal) && world_.happens(0.7) ? 0.1 : 0,
                               .tpm_slow = on(Fault::tpm_delay) && world_.happens(0.7) ? 0.2 : 0,
                               .disk_error = on(Fault::disk_error) && world_.happens(0.7) ? 0.1 : 0};
    for (auto* box : machine) box->vault().set(trouble);
    if (on(Fault::snapshot_restored) || on(Fault::tpm_rollback)) {
      several(3, [&machine] {
        for (auto* box : machine) box->vault().take_snapshot();
      });
    }
    if (on(Fault::clock_jump)) {
      several(2, [this, &machine] {
        const auto ahead = world_.between(1ms, world_.happens(0.5) ? Duration{2s} : Duration{1h});
        const auto wall = static_cast<std::int64_t>(world_.below(20'000)) - 10'000;
        for (auto* box : machine) box->jump(ahead, wall);
      });
    }
    if (on(Fault::crash_at_io)) {
      several(3, [this, &machine] {
        const auto how = world_.happens(0.5) ? Crash::power : Crash::process;
        const auto calls = world_.below(30);
        machine[machine.size() == 1 ? 0 : world_.below(machine.size())]->crash_at_io(calls, how);
      });
    }
  }
  for (const auto& [fault, how] : {std::pair{Fault::process_crash, Crash::process}, {Fault::power_cut, Crash::power}}) {
    if (!on(fault)) continue;
    several(4, [this, how] {
      const auto first = world_.below(machines_.size());
      crash(first, how);
      const auto second = (first + 1) % machines_.size();
      if (world_.happens(0.3)) world_.plan_in(world_.between(0ms, 50ms), [this, second, how] { crash(second, how); });
    });
  }
}

void Trouble::crash(std::size_t machine, Crash how) {
  if (ended_ || !machines_[machine].front()->running()) return;
  for (auto* box : machines_[machine]) box->crash(how);
  start_later(machine);
}

void Trouble::on_crashed(std::size_t machine, Crash how) {
  for (auto* box : machines_[machine]) box->crash(how);
  start_later(machine);
}

void Trouble::start_later(std::size_t machine) {
  auto what = TurnedBack::nothing;
  if (on(Fault::snapshot_restored) && world_.happens(0.5)) what = TurnedBack::disk;
  if (on(Fault::tpm_rollback) && (machine == tpm_of_ || settings_.both_tpms) && world_.happens(0.5))
    what = world_.happens(0.7) ? TurnedBack::disk_and_tpm : TurnedBack::tpm;
  for (auto* box : machines_[machine]) box->turn_back(what);
  turned_back_ += what != TurnedBack::nothing ? 1 : 0;
  world_.plan_in(world_.between(1ms, 600ms), [this, machine] {
    for (auto* box : machines_[machine]) box->start();
  });
}

void Trouble::end() {
  world_.say("run", "the trouble ends");
  ended_ = true;
  for (const auto& link : links_) {
    link->network.set({});
    link->light->disturb(false);
    link->light->dim(false);
  }
  for (const auto& machine : machines_) {
    for (auto* box : machine) {
      box->vault().set({});
      box->forget_doom();
      box->start();
    }
  }
}

bool Trouble::only_crashes() const {
  Faults others = settings_.faults;
  for (const auto fault :
       {Fault::process_crash, Fault::power_cut, Fault::crash_at_io, Fault::eavesdropper, Fault::delay})
    others.reset(static_cast<std::size_t>(fault));
  return others.none();
}

bool Trouble::explained(const Stage& link, const SimulatedBox& box, std::string_view code,
                        std::string_view text) const {
  const auto& boxes = link.boxes;
  static const std::set<std::string_view> of_the_peer{"PEER_UNREACHABLE", "PEER_SILENT", "TUNNEL_BLOCKED",
                                                      "TUNNEL_REKEY_LATE"};
  if (of_the_peer.contains(code)) return settings_.faults.any();
  if (code == "TUNNEL_EXTENDED" || code == "TUNNEL_WITHOUT_QKD") return settings_.faults.any() && box.may_bridge(code);
  // It counts too late, or a clock says so.
  if (code == "TPM_SLOW") return on(Fault::tpm_delay) || on(Fault::clock_jump);
  // A greeting is not authentic yet: who changes it can make it one of another release.
  if (code == "CHANNEL_TAMPERED" || code == "PEER_PROTOCOL" || code == "BOOTSTRAP_REFUSED" ||
      code == "AGREEMENT_DIFFERS")
    return link.network.forgeries() > 0;
  if (code == "RESERVE_ROLLED_BACK") return turned_back_ > 0 || !box.vault().kept_any();
  if (code == "SEALED_RESERVE_UNAVAILABLE") return box.vault().refused();
  // What it was granted the peer knows, unless something was put back, has not come to a disk, or one of the two has
  // spent its pads and begins anew.
  if (text.contains("granted before") && turned_back_ == 0 && !on(Fault::exhausted_reserve) &&
      !boxes[0].vault().refused() && !boxes[1].vault().refused())
    return false;
  if (code == "SEALED_RESERVE_SPENT")
    return !only_crashes() || boxes[0].crashes() + boxes[1].crashes() >= settings_.restarts_served;
  if (code == "BOOTSTRAP_WAITS")
    return settings_.faults.any() &&
           std::ranges::contains(link.scale.bootstrap_again, session::BootstrapAgain::by_operator);
  if (code == "RESERVE_EMPTY") return settings_.faults.any();
  // Pads were spent in vain, or brought less than they cost; that is what a low reserve comes from.
  if (code == "AUTHENTICATION_LOWERED")
    return box.policy() == session::Policy::its_preferred && (link.witness.pads_wasted() || poor_blocks_);
  if (code == "DEVICE_SUSPECT") return on(Fault::suspect_device);
  if (code == "QBER_HIGH") return on(Fault::eavesdropper);
  if (code == "NO_SECRET_KEY") return on(Fault::exhausted_reserve) || on(Fault::eavesdropper);
  return false;
}

}  // namespace cloister::simulation
