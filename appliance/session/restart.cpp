#include <algorithm>
#include <format>
#include <utility>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/session_state.hpp"

/// After the greetings, when both boxes have a generation of the sealed reserve in common; the channel is keyed by it
/// and by both nonces, so that a frame of this exchange is fresh and the peer's:
///
///   asked {chunk}  ──▶     the peer moves its counter `granted`, then
///                  ◀── granted {chunk}     this box moves its counter `own`, then reads the pads
///   opened {chunk} ──▶     and the same the other way round, at the same time
///
/// Each box is established when it has opened its chunk and the peer has opened the other.

namespace cloister::session {
using hooks::planted;
using hooks::PlantedBug;
namespace {

constexpr std::uint8_t asked = 1;
constexpr std::uint8_t granted = 2;
constexpr std::uint8_t opened = 3;

}  // namespace

std::optional<GenerationId> Session::State::common_generation() const {
  if (!sealed || channel->peer.sealed_bits != sealed->layout().bits()) return std::nullopt;
  const auto& of_client = client() ? channel->own_sealed : channel->peer.sealed;
  const auto& of_server = client() ? channel->peer.sealed : channel->own_sealed;
  for (const auto& id : of_client)
    if (std::ranges::contains(of_server, id)) return id;
  return std::nullopt;
}

bool Session::State::judge_peer_counters(Instant now) {
  if (!sealed || channel->peer.sealed_bits == 0) return true;
  auto turned_back = sealed->judge_peer(settings.peer_box, channel->peer.own_counter, channel->peer.granted_counter);
  if (!turned_back) return true;
  sealed->forget_all();
  opening.reset();
  store({.what = VaultStep::What::store});
  if (channel->generation) {
    reserve.clear();
    end("RESERVE_ROLLED_BACK", std::move(*turned_back), now);
    return false;
  }
  alarm("RESERVE_ROLLED_BACK", std::move(*turned_back));
  return true;
}

void Session::State::begin_opening(Instant now) {
  const GenerationId id = *channel->generation;
  Generation* generation = sealed->find(id);
  if (generation == nullptr) return give_up("its generation is gone", now);
  channel->phase = Phase::leasing;
  if (!opening || opening->peer_life != channel->peer.life || opening->generation != id) {
    // Before this box asks: else a peer that was restarted, and counts from the start, writes what it asks for.
    if (!may_lease(now)) return give_up("too many restarts in a short time: each wears the TPM", now);
    auto& fresh = opening.emplace();
    fresh.number = ++openings;
    fresh.peer_life = channel->peer.life;
    fresh.generation = id;
    made.reset();
    sealed->settle_on(id);
    generation = sealed->find(id);
    reserve.begin_sealed(generation->channel_key, generation->hash_key);
    const bool lowered = thrift.lowered;
    thrift = {};  // the pads that were wasted, or are in doubt, are gone with the others
    thrift.lowered = lowered;
  }
  if (opening->opened) {
    send_lease(opened, *opening->own_chunk);
    return arm(now);
  }
  if (!opening->own_chunk) {
    const auto direction = own_direction();
    opening->own_chunk = generation->first_unopened(direction, sealed->own(), channel->peer.granted_counter);
    if (!opening->own_chunk) return give_up("every chunk of it was opened", now);
    sealed->expect_move(generation->sender_base[direction] + *opening->own_chunk + 1,
                        generation->receiver_base[direction] + *opening->own_chunk + 1);
    store({.what = VaultStep::What::note, .opening = opening->number});
    if (planted(PlantedBug::record_not_synced)) opening->noted = true;
  }
  if (planted(PlantedBug::no_lease)) {
    if (!opening->moving) on_granted(*opening->own_chunk);
    return arm(now);
  }
  if (opening->noted && !opening->moving) send_lease(asked, *opening->own_chunk);
  arm(now);
}

void Session::State::send_lease(std::uint8_t type, std::uint32_t chunk) {
  wire::Writer payload;
  payload.u32(chunk);
  send(FrameKind::lease, {}, type, payload.view());
}

void Session::State::on_lease(const Frame& frame, Instant now) {
  wire::Reader in{frame.payload};
  const auto chunk = in.u32();
  if (!chunk || !in.at_end() || !opening) return end("PEER_PROTOCOL", "a lease that cannot be read", now);
  if (frame.type == asked) return on_asked(*chunk, now);
  if (frame.type == granted && opening->own_chunk == *chunk && opening->noted) {
    if (!opening->moving) on_granted(*chunk);
    return;
  }
  if (frame.type == opened && !channel->peer_opened) {
    if (planted(PlantedBug::opened_without_grant) && !opening->peer_chunk) {
      opening->peer_chunk = chunk;
      take_peer_chunk();
    }
    if (!opening->peer_granted || opening->peer_chunk != *chunk)
      return give_up("the peer goes on with a chunk that this box has not", now);
    channel->peer_opened = true;
    return try_establish_opened(now);
  }
  end("PEER_PROTOCOL", "a lease out of its turn", now);
}

void Session::State::on_asked(std::uint32_t chunk, Instant now) {
  if (opening->peer_chunk == chunk) {
    if (opening->peer_granted) tell_granted();
    return;  // or the grant follows when the counter has moved
  }
  Generation* generation = sealed->find(opening->generation);
  const auto direction = peer_direction();
  const std::uint64_t base = generation->receiver_base[direction];
  const bool again = sealed->granted() > base + chunk && !planted(PlantedBug::grant_twice);
  if (opening->peer_chunk || again || sealed->granted() < base || !generation->has(direction, chunk))
    return give_up("the peer asks for a chunk that was granted before", now);
  opening->peer_chunk = chunk;
  ++counters.leases_granted;
  if (planted(PlantedBug::grant_only_in_memory) || planted(PlantedBug::low_water_for_lease) ||
      planted(PlantedBug::grant_on_disk)) {
    sealed->counter_moved(Counter::granted, base + chunk + 1);
    if (planted(PlantedBug::grant_on_disk)) store({.what = VaultStep::What::store});
    open_peer_chunk();
    return;
  }
  if (planted(PlantedBug::grant_before_counter)) open_peer_chunk();
  actions.emplace_back(MoveCounter{Counter::granted, base + chunk + 1});
  vault_steps.push_back({.what = VaultStep::What::grant, .opening = opening->number});
}

void Session::State::on_granted(std::uint32_t chunk) {
  opening->moving = true;
  actions.emplace_back(
      MoveCounter{Counter::own, sealed->find(opening->generation)->sender_base[own_direction()] + chunk + 1});
  vault_steps.push_back({.what = VaultStep::What::move, .opening = opening->number});
  if (planted(PlantedBug::own_counter_late)) open_own_chunk();
}

void Session::State::open_own_chunk() {
  if (opening->opened) return;
  hooks::saw_chunk_opened(opening->generation, own_direction(), *opening->own_chunk);
  reserve.add_sealed(own_direction(), sealed->find(opening->generation)->take(own_direction(), *opening->own_chunk));
  opening->opened = true;
  if (channel && channel->phase == Phase::leasing) send_lease(opened, *opening->own_chunk);
}

void Session::State::take_peer_chunk() {
  reserve.add_sealed(peer_direction(), sealed->find(opening->generation)->take(peer_direction(), *opening->peer_chunk));
  opening->peer_granted = true;
}

void Session::State::open_peer_chunk() {
  if (planted(PlantedBug::grant_before_counter) && opening->peer_granted) return;
  take_peer_chunk();
  if (channel && channel->phase == Phase::leasing) tell_granted();
}

/// Once in a connection: the peer may be done with leases when it hears it again.
void Session::State::tell_granted() {
  if (!std::exchange(channel->granted_told, true)) send_lease(granted, *opening->peer_chunk);
}

void Session::State::try_establish_opened(Instant now) {
  if (!channel || channel->phase != Phase::leasing || !opening->opened || !channel->peer_opened) return;
  store({.what = VaultStep::What::store});  // without the two chunks
  establish({}, now);
}

bool Session::State::may_lease(Instant now) {
  while (leases_left < settings.leases_at_once && now - leases_counted >= settings.lease_interval) {
    ++leases_left;
    leases_counted += settings.lease_interval;
  }
  if (leases_left == settings.leases_at_once) leases_counted = now;
  if (leases_left == 0) return false;
  --leases_left;
  return true;
}

void Session::State::greet_late(Instant now) {
  if (!channel || !std::exchange(channel->greets_later, false)) return;
  greet();
  receive(now);
}

void Session::State::give_up(std::string why, Instant now) {
  sealed->forget_all();
  drop_reserve();
  store({.what = VaultStep::What::store});
  end("SEALED_RESERVE_SPENT",
      std::format("the sealed reserve serves this restart no more ({}): a bootstrap follows", why), now);
}

/// One for each pair of lives, also after a bootstrap.
void Session::State::begin_building() {
  building.reset();
  // As both have greeted: the vault may have failed since then here, and the peer divides the reserve's bits all the same.
  const std::uint64_t bits = settings.sealed.bits();
  if (channel->own_sealed_bits != bits || channel->peer.sealed_bits != bits) return;
  if (made && std::ranges::contains(channel->own_sealed, *made) && std::ranges::contains(channel->peer.sealed, *made)) {
    if (!sealed || sealed->staged() != made) return;
    sealed->settle_on(*made);
    return store({.what = VaultStep::What::store});
  }
  building.emplace();
  const auto own = own_direction();
  const auto peer = peer_direction();
  // As both have greeted; what was opened since then both know.
  building->sender_base[own] = channel->own_counter;
  building->receiver_base[own] = channel->peer.granted_counter;
  building->sender_base[peer] = channel->peer.own_counter;
  building->receiver_base[peer] = channel->granted_counter;
  if (!channel->generation) return;
  const Generation* generation = sealed->find(*channel->generation);
  const auto pass = [&](std::size_t direction, std::uint32_t chunk) {
    auto& sender = building->sender_base[direction];
    auto& receiver = building->receiver_base[direction];
    sender = std::max(sender, generation->sender_base[direction] + chunk + 1);
    receiver = std::max(receiver, generation->receiver_base[direction] + chunk + 1);
  };
  pass(own, *opening->own_chunk);
  pass(peer, *opening->peer_chunk);
}

std::uint64_t Session::State::building_need_bits() const {
  return building ? settings.sealed.bits() - building->bits.size_bits() : 0;
}

void Session::State::add_to_building(const crypto::SecretBits& bits) {
  if (!building || bits.empty()) return;
  building->bits.append(bits);
  if (building_need_bits() != 0) return;
  const Building done = std::move(*building);
  building.reset();
  if (!sealed) return;
  sealed->stage(done.bits, done.sender_base, done.receiver_base);
  made = sealed->staged();
  store({.what = VaultStep::What::store_staged, .generation = *made});
}

void Session::State::on_stored(const Frame& frame, Instant now) {
  wire::Reader in{frame.payload};
  const auto bytes = in.bytes(GenerationId{}.size());
  if (!bytes || !in.at_end()) return end("PEER_PROTOCOL", "a generation that cannot be read", now);
  std::ranges::copy(*bytes, channel->peer_stored.emplace().begin());
  settle_made();
}

void Session::State::settle_made() {
  if (!channel || !sealed || !made || channel->peer_stored != made) return;
  if (!std::ranges::contains(sealed->offer(), *made)) return;
  sealed->settle_on(*made);
  store({.what = VaultStep::What::store});
}

void Session::State::store(VaultStep step) {
  actions.emplace_back(StoreRecord{sealed->encode()});
  vault_steps.push_back(step);
}

void Session::restore(const KeptReserve& kept) {
  State& state = *state_;
  auto layout = state.settings.sealed;
  layout.unpaid = state.settings.policy == Policy::computational;
  state.sealed.emplace(layout);
  state.leases_left = state.settings.leases_at_once;
  auto problem = state.sealed->restore(kept);
  if (!state.sealed->bootstrapped()) state.allowance = Allowance::first;
  if (problem) {
    state.alarm("RESERVE_ROLLED_BACK", std::move(*problem));
    return state.store({.what = State::VaultStep::What::store});
  }
  if (!kept.record) state.store({.what = State::VaultStep::What::store});  // from now on one that is missing is missed
}

void Session::on_vault_done(const Result<std::uint64_t>& outcome, Instant now) {
  using What = State::VaultStep::What;
  State& state = *state_;
  require(!state.vault_steps.empty(), "the vault answers what it was not asked");
  const auto step = state.vault_steps.front();
  state.vault_steps.pop_front();
  if (!state.sealed) return;
  if (!outcome) {
    const bool leasing = state.channel && state.channel->generation && !state.established();
    const bool greeted = state.channel && state.channel->phase == Phase::greeting && !state.channel->own_sealed.empty();
    state.sealed.reset();  // and not what is building: the peer goes on putting away the same bits of each block
    const auto text = std::format(
        "the sealed reserve is not used until the next start: {}: after a restart this link is "
        "bootstrapped",
        outcome.error().message);
    if (state.allowance == Allowance::first) state.allowance = Allowance::none;
    if (!leasing && !greeted) {
      state.alarm("SEALED_RESERVE_UNAVAILABLE", text);
      state.greet_late(now);
      return state.go_on_after_note(now);
    }
    if (leasing) state.drop_reserve();  // else the peer is to hear first that there is no sealed reserve any more
    return state.end("SEALED_RESERVE_UNAVAILABLE", text, now);
  }
  if (step.what == What::grant) {
    state.sealed->counter_moved(Counter::granted, *outcome);
    if (!state.granting()) state.greet_late(now);
  }
  if (step.what == What::move) state.sealed->counter_moved(Counter::own, *outcome);
  if (step.what == What::note_bootstrap) return state.on_bootstrap_on_disk(step.counter);
  if (step.what == What::bootstrapped) return state.on_bootstrap_noted(*outcome, now);
  if (step.what == What::store_staged && state.sealed->staged() == step.generation) {
    state.sealed->staged_is_stored();
    if (state.established()) state.send(FrameKind::stored, step.generation);
    return state.settle_made();
  }
  if (!state.opening || state.opening->number != step.opening) return;
  if (state.sealed->find(state.opening->generation) == nullptr) return;
  if (step.what == What::note) {
    state.opening->noted = true;
    if (state.channel && state.channel->phase == Phase::leasing && !planted(PlantedBug::record_not_synced) &&
        !planted(PlantedBug::no_lease))
      state.send_lease(asked, *state.opening->own_chunk);
  }
  if (step.what == What::grant) state.open_peer_chunk();
  if (step.what == What::move) {
    state.open_own_chunk();
    state.try_establish_opened(now);
  }
}

}  // namespace cloister::session
