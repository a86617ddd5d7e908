#include "tests/simulation/planted_bugs.hpp"

#include <algorithm>
#include <array>

#include "tests/simulation/witness.hpp"

namespace cloister::simulation {
namespace {

struct Known {
  PlantedBug bug;
  std::string_view name;
};

constexpr std::array known{
    Known{PlantedBug::own_counter_ignored, "own-counter-ignored"},
    Known{PlantedBug::peer_counter_ignored, "peer-counter-ignored"},
    Known{PlantedBug::counters_must_be_equal, "counters-must-be-equal"},
    Known{PlantedBug::grant_only_in_memory, "grant-only-in-memory"},
    Known{PlantedBug::grant_before_counter, "grant-before-counter"},
    Known{PlantedBug::grant_on_disk, "grant-on-disk"},
    Known{PlantedBug::low_water_for_lease, "low-water-for-lease"},
    Known{PlantedBug::grant_twice, "grant-twice"},
    Known{PlantedBug::own_counter_late, "own-counter-late"},
    Known{PlantedBug::no_lease, "no-lease"},
    Known{PlantedBug::opened_without_grant, "opened-without-grant"},
    Known{PlantedBug::chunk_shared_by_directions, "chunk-shared-by-directions"},
    Known{PlantedBug::rollback_not_noticed, "rollback-not-noticed"},
    Known{PlantedBug::record_not_synced, "record-not-synced"},
    Known{PlantedBug::greets_while_granting, "greets-while-granting"},
    Known{PlantedBug::pad_kept_until_verified, "pad-kept-until-verified"},
    Known{PlantedBug::pad_burnt_on_forgery, "pad-burnt-on-forgery"},
    Known{PlantedBug::pool_shared_by_directions, "pool-shared-by-directions"},
    Known{PlantedBug::refill_order_swapped, "refill-order-swapped"},
    Known{PlantedBug::session_not_in_tag, "session-not-in-tag"},
    Known{PlantedBug::frame_mac_ignored, "frame-mac-ignored"},
    Known{PlantedBug::tag_not_checked, "tag-not-checked"},
    Known{PlantedBug::pad_sent, "pad-sent"},
    Known{PlantedBug::held_too_early, "held-too-early"},
    Known{PlantedBug::ready_without_pads, "ready-without-pads"},
    Known{PlantedBug::spent_chunk_kept, "spent-chunk-kept"},
    Known{PlantedBug::label_not_of_block, "label-not-of-block"},
    Known{PlantedBug::label_lost, "label-lost"},
    Known{PlantedBug::policy_not_asked, "policy-not-asked"},
    Known{PlantedBug::unpaid_feeds_reserve, "unpaid-feeds-reserve"},
    Known{PlantedBug::mark_is_the_end, "mark-is-the-end"},
    Known{PlantedBug::empty_reserve_pays, "empty-reserve-pays"},
    Known{PlantedBug::allowance_not_asked, "allowance-not-asked"},
    Known{PlantedBug::allowance_kept, "allowance-kept"},
    Known{PlantedBug::bootstrap_noted_late, "bootstrap-noted-late"},
    Known{PlantedBug::burnt_not_counted, "burnt-not-counted"},
    Known{PlantedBug::stock_key_kept, "stock-key-kept"},
    Known{PlantedBug::epoch_not_in_context, "epoch-not-in-context"},
    Known{PlantedBug::spi_not_in_context, "spi-not-in-context"},
    Known{PlantedBug::nonce_from_wall_clock, "nonce-from-wall-clock"},
    Known{PlantedBug::extended_for_ever, "extended-for-ever"},
    Known{PlantedBug::exchange_unasked, "exchange-unasked"},
    Known{PlantedBug::traffic_pad_kept, "traffic-pad-kept"},
    Known{PlantedBug::traffic_pad_not_cut, "traffic-pad-not-cut"},
    Known{PlantedBug::hash_key_of_pad, "hash-key-of-pad"},
    Known{PlantedBug::traffic_pad_taken_early, "traffic-pad-taken-early"},
    Known{PlantedBug::pads_of_any_block, "pads-of-any-block"},
    Known{PlantedBug::no_fsync, "no-fsync"},
    Known{PlantedBug::fsync_error_lost, "fsync-error-lost"},
    Known{PlantedBug::counters_on_disk, "counters-on-disk"},
    Known{PlantedBug::quarantine_ignored, "quarantine-ignored"},
    Known{PlantedBug::withdrawal_untold, "withdrawal-untold"},
    Known{PlantedBug::restored_memory_used, "restored-memory-used"},
};
static_assert(known.size() == static_cast<std::size_t>(PlantedBug::end));

thread_local Bugs planted_now;

}  // namespace

std::string_view name_of(PlantedBug bug) { return std::ranges::find(known, bug, &Known::bug)->name; }

std::optional<PlantedBug> find_bug(std::string_view name) {
  const auto* const found = std::ranges::find(known, name, &Known::name);
  return found == known.end() ? std::nullopt : std::optional{found->bug};
}

std::string names_of(const Bugs& bugs) {
  std::string names;
  for (const auto& [bug, name] : known) {
    if (!bugs.test(static_cast<std::size_t>(bug))) continue;
    if (!names.empty()) names += " + ";
    names += name;
  }
  return names;
}

Bugs bugs_of(std::span<const PlantedBug> bugs) {
  Bugs set;
  for (const auto bug : bugs) set.set(static_cast<std::size_t>(bug));
  return set;
}

void plant(const Bugs& bugs) { planted_now = bugs; }

}  // namespace cloister::simulation

namespace cloister::hooks {
using simulation::Witness;

bool planted(PlantedBug bug) {
  if (!simulation::planted_now.test(static_cast<std::size_t>(bug))) return false;
  // That both boxes divide alike is what it breaks.
  return bug != PlantedBug::refill_order_swapped || Witness::present().box() == 1;
}

namespace {

/// Who sees what the engines do, unless they work unseen.
template <class... Parameters, class... Arguments>
void tell(void (Witness::*what)(Parameters...), const Arguments&... of) {
  if (Witness::present().sees()) (Witness::present().*what)(of...);
}

}  // namespace

void saw_bootstrap_secret(std::span<const std::byte> secret) { tell(&Witness::on_bootstrap_secret, secret); }
void saw_bits_given(BitRole role, std::span<const std::byte> bits) { tell(&Witness::on_bits_given, role, bits); }
void saw_pad_used(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block) {
  tell(&Witness::on_pad_used, pad, hash, block);
}
void saw_tag_verified(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block) {
  tell(&Witness::on_tag_verified, pad, hash, block);
}
void saw_peer_verified(std::uint64_t block) { tell(&Witness::on_peer_verified, block); }
void saw_pad_spent(std::span<const std::byte> pad) { tell(&Witness::on_pad_spent, pad); }
void saw_chunk_opened(std::span<const std::byte> generation, std::size_t direction, std::uint32_t chunk) {
  tell(&Witness::on_chunk_opened, generation, direction, chunk);
}
void saw_block_allocated(std::uint64_t block) { tell(&Witness::on_block_allocated, block); }
void saw_key_taken(std::span<const std::byte> key) { tell(&Witness::on_key_taken, key); }
void saw_traffic_pad_used(PadUse use, std::span<const std::byte> unit) {
  tell(&Witness::on_traffic_pad_used, use, unit);
}
void saw_traffic_pad_opened(PadUse use, std::span<const std::byte> unit) {
  tell(&Witness::on_traffic_pad_opened, use, unit);
}
std::uint64_t wall_clock() { return Witness::present().wall_clock(); }

}  // namespace cloister::hooks
