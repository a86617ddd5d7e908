// Known mistakes, put into the engines one at a time: each breaks an invariant that is named here, or is hidden by a
// defence that is named here and breaks one where that is off too. So the simulation is seen to see.
//
// Short: from a seed that has shown it. CLOISTER_SEEDS=10000 looks for each from seed 0.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <format>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/seeds_wanted.hpp"

namespace cloister::simulation {
namespace {

using enum hooks::PlantedBug;

constexpr std::uint64_t seeds_most = 10'000;
constexpr std::uint64_t long_form = 10'000;

struct Mistake {
  std::vector<hooks::PlantedBug> bugs;
  std::string seen_as;      // the beginning of what is broken
  std::uint64_t seed = 0;   // that shows it
  std::string hidden_by{};  // by which defence; then nothing of `seen_as` may be seen
  bool both_tpms = false;
};

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> table{
      // What bits are for, and once.
      {.bugs = {chunk_shared_by_directions}, .seen_as = "I1: a pad was used for two tags", .seed = 1},
      {.bugs = {pool_shared_by_directions}, .seen_as = "I1: the same bits in two roles"},
      {.bugs = {refill_order_swapped}, .seen_as = "I1: the same bits in two roles"},
      {.bugs = {pad_kept_until_verified}, .seen_as = "I1: a pad was used for two tags", .seed = 240},
      {.bugs = {stock_key_kept}, .seen_as = "I1: a tunnel key was used twice", .seed = 1},
      {.bugs = {nonce_from_wall_clock}, .seen_as = "I9", .seed = 1},
      {.bugs = {burnt_not_counted}, .seen_as = "I7", .seed = 17},
      {.bugs = {held_too_early}, .seen_as = "I6: a key was given out"},
      {.bugs = {pad_sent}, .seen_as = "C1"},
      {.bugs = {ready_without_pads}, .seen_as = "I5", .seed = 480},
      {.bugs = {spent_chunk_kept}, .seen_as = "I8", .seed = 480},
      {.bugs = {extended_for_ever}, .seen_as = "I13", .seed = 336},
      {.bugs = {exchange_unasked}, .seen_as = "I13", .seed = 3478},
      {.bugs = {traffic_pad_kept}, .seen_as = "I1: a one-time pad was used twice"},
      {.bugs = {hash_key_of_pad}, .seen_as = "I1: a one-time pad of bits that are not for it"},
      {.bugs = {traffic_pad_not_cut}, .seen_as = "A1: an alarm without a reason: PEER_PROTOCOL", .seed = 493},
      {.bugs = {traffic_pad_taken_early}, .seen_as = "I6: a packet of the peer does not open", .seed = 186},
      {.bugs = {pads_of_any_block}, .seen_as = "I12: a one-time pad of a block", .seed = 10},
      // The sealed reserve.
      {.bugs = {own_counter_ignored}, .seen_as = "I3", .seed = 456},
      {.bugs = {own_counter_ignored, rollback_not_noticed}, .seen_as = "I1"},
      {.bugs = {counters_must_be_equal},
       .seen_as = "A1: an alarm without a reason: SEALED_RESERVE_SPENT",
       .seed = 3181},
      {.bugs = {grant_only_in_memory}, .seen_as = "I3", .seed = 382},
      {.bugs = {grant_before_counter}, .seen_as = "I3", .seed = 307},
      {.bugs = {grant_on_disk}, .seen_as = "I3", .seed = 572},
      {.bugs = {low_water_for_lease}, .seen_as = "I3", .seed = 382},
      {.bugs = {own_counter_late}, .seen_as = "I3", .seed = 499},
      {.bugs = {own_counter_late, no_lease, opened_without_grant}, .seen_as = "I1", .seed = 456},
      {.bugs = {no_lease}, .seen_as = "I3", .seed = 87},
      {.bugs = {greets_while_granting}, .seen_as = "A1: an alarm without a reason: SEALED_RESERVE_SPENT", .seed = 6066},
      {.bugs = {rollback_not_noticed}, .seen_as = "A2"},
      {.bugs = {record_not_synced}, .seen_as = "A1: an alarm without a reason: RESERVE_ROLLED_BACK", .seed = 578},
      {.bugs = {no_fsync}, .seen_as = "A1: an alarm without a reason: RESERVE_ROLLED_BACK", .seed = 13},
      {.bugs = {fsync_error_lost}, .seen_as = "A1: an alarm without a reason: RESERVE_ROLLED_BACK", .seed = 50},
      {.bugs = {counters_on_disk}, .seen_as = "I1", .seed = 87},
      // Blocks that are kept back, and withdrawn.
      {.bugs = {quarantine_ignored}, .seen_as = "I14", .seed = 170},
      {.bugs = {withdrawal_untold}, .seen_as = "I8", .seed = 49},
      // A memory that is put back.
      {.bugs = {restored_memory_used}, .seen_as = "I9"},
      {.bugs = {restored_memory_used}, .seen_as = "I1: a pad was used for two tags"},
      // What authenticates a block, and what its keys say of it.
      {.bugs = {label_not_of_block}, .seen_as = "I12: a block's label", .seed = 2},
      {.bugs = {label_lost}, .seen_as = "I12: a key was authenticated", .seed = 3},
      {.bugs = {policy_not_asked}, .seen_as = "I12: a block was authenticated", .seed = 196},
      {.bugs = {unpaid_feeds_reserve}, .seen_as = "I12: bits of a block", .seed = 515},
      {.bugs = {mark_is_the_end}, .seen_as = "A1: an alarm without a reason: AUTHENTICATION_LOWERED"},
      {.bugs = {empty_reserve_pays}, .seen_as = "I12: a session has ended", .seed = 102},
      // Who lets a link bootstrap again.
      {.bugs = {allowance_not_asked}, .seen_as = "I11", .seed = 2},
      {.bugs = {allowance_kept}, .seen_as = "I11", .seed = 2},
      {.bugs = {bootstrap_noted_late}, .seen_as = "I11", .seed = 601},
      // Hidden, and found once the other defence is off.
      {.bugs = {no_lease}, .seen_as = "I1", .hidden_by = "the peer goes on with no chunk that it has not granted"},
      {.bugs = {no_lease, opened_without_grant}, .seen_as = "I1", .seed = 988},
      {.bugs = {opened_without_grant}, .seen_as = "I", .hidden_by = "the box opens no chunk without a lease"},
      {.bugs = {peer_counter_ignored}, .seen_as = "I", .hidden_by = "the peer grants no chunk twice"},
      {.bugs = {grant_twice}, .seen_as = "I", .hidden_by = "the box asks for no chunk that was granted before"},
      {.bugs = {peer_counter_ignored, grant_twice}, .seen_as = "I3", .seed = 434},
      {.bugs = {pad_burnt_on_forgery}, .seen_as = "I4", .hidden_by = "a frame without its MAC is no frame"},
      {.bugs = {frame_mac_ignored},
       .seen_as = "I4: a pad was taken",
       .hidden_by = "a tag that does not hold burns nothing"},
      {.bugs = {pad_burnt_on_forgery, frame_mac_ignored}, .seen_as = "I4: a pad was taken", .seed = 769},
      {.bugs = {tag_not_checked}, .seen_as = "I", .hidden_by = "a frame without its MAC is no frame"},
      {.bugs = {tag_not_checked, frame_mac_ignored}, .seen_as = "I2", .seed = 769},
      {.bugs = {epoch_not_in_context},
       .seen_as = "I",
       .hidden_by = "a key is used once, and the SPI is in the context"},
      {.bugs = {epoch_not_in_context, stock_key_kept}, .seen_as = "I9", .hidden_by = "the SPI is in the context"},
      {.bugs = {spi_not_in_context},
       .seen_as = "I",
       .hidden_by = "a key is used once, and the epoch is in the context"},
      {.bugs = {spi_not_in_context, stock_key_kept}, .seen_as = "I9", .hidden_by = "the epoch is in the context"},
      {.bugs = {epoch_not_in_context, spi_not_in_context, stock_key_kept}, .seen_as = "I9", .seed = 1},
      // Nothing here sees it: what a tag covers is in no two sessions the same, and frames of another do not get so far.
      // That the tag names the session is a unit test's to see.
      {.bugs = {session_not_in_tag},
       .seen_as = "I",
       .hidden_by = "MAC keys, pads and both sides' frames are a session's own"},
      {.bugs = {session_not_in_tag, frame_mac_ignored},
       .seen_as = "I2",
       .hidden_by = "pads and both sides' frames are a session's own"},
      // Outside of the claim, and seen to be.
      {.bugs = {}, .seen_as = "I3", .seed = 11, .hidden_by = {}, .both_tpms = true},
  };
  return table;
}

TEST_CASE(
    "Each mistake that is put into the engines breaks the invariant that is named, or is hidden by a defence that is "
    "named",
    "[simulation]") {
  const auto wanted = seeds_wanted();
  Bugs tried;
  for (const auto& mistake : mistakes()) {
    const Bugs bugs = bugs_of(mistake.bugs);
    tried |= bugs;
    const bool hidden = !mistake.hidden_by.empty();
    std::optional<std::uint64_t> found;
    static_cast<void>(run_all({.start = hidden || wanted >= long_form ? 0 : mistake.seed,
                               .seeds = hidden ? wanted / 2 : seeds_most,
                               .speed = Speed::store,
                               .bugs = bugs,
                               .both_tpms = mistake.both_tpms,
                               .only = mistake.seen_as,
                               .threads = std::max(1U, std::thread::hardware_concurrency()),
                               .on_run = [&](const Totals&, const Outcome& outcome) {
                                 if (outcome.failure.empty()) return true;
                                 found = outcome.seed;
                                 return false;
                               }}));
    const auto name = bugs.any() ? names_of(bugs) : "both TPMs put back";
    std::cout << std::format("{}: {}\n", name,
                             found    ? std::format("{} at seed {}", mistake.seen_as, *found)
                             : hidden ? std::format("no {}: {}", mistake.seen_as, mistake.hidden_by)
                                      : "not seen")
              << std::flush;
    INFO("planted: " << name << ", expected " << (hidden ? "no " : "") << mistake.seen_as);
    CHECK(found.has_value() == !hidden);
  }
  CHECK(tried.all());
}

}  // namespace
}  // namespace cloister::simulation
