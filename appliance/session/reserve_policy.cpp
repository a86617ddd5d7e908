#include <algorithm>
#include <format>
#include <string>
#include <utility>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/session_state.hpp"

/// What authenticates a block under QKD keys: pads of the reserve, each used once (`Authenticator::qkd`), or pads that are
/// derived from the channel's QKD key (`Authenticator::computational`). Each box says by its CLOSE of the block whether it
/// would pay with a pad; the block is paid for where both would. Both CLOSEs are in the transcript, so that both boxes
/// know the same of a block that is held.
///
///   its_only        always, and without a pad the session ends
///   its_preferred   as long as there are more pads than the low mark, a quarter of the reserve. Below it a pad that is
///                   spent on a block which is lost, or brings the reserve less than it cost, makes the next 1, 2, 4, …
///                   blocks computational before another is tried; one that both hold, and that pays, ends that. Whether
///                   both do is known by what the peer says next. Without a pad, never
///   computational   never
///
/// So whoever has blocks lost for N blocks takes about log2 N of the low mark's pads, and when he ends the next try pays,
/// and the block that it brings fills the reserve. With `its_preferred` what a block without a paid tag gives goes to tunnels
/// only: no pad of the reserve comes from it, else tags that are paid with it would rest on the derivation too.

namespace cloister::session {
using hooks::planted;
using hooks::PlantedBug;
namespace {

constexpr std::uint32_t doublings_max = 12;

}  // namespace

const char* to_string(Policy policy) {
  switch (policy) {
    case Policy::its_only:
      return "its-only";
    case Policy::its_preferred:
      return "its-preferred";
    case Policy::computational:
      return "computational";
  }
  return "";
}

bool Session::State::reserve_serves() const {
  return settings.policy == Policy::its_only ? reserve.ready() : reserve.has_paid();
}

std::uint64_t Session::State::low_pads() const {
  return std::max<std::uint64_t>(1, settings.reserve_bits / 4 / (2 * Reserve::pad_bits));
}

bool Session::State::may_be_unpaid() const {
  return settings.policy != Policy::its_only || planted(PlantedBug::policy_not_asked);
}

bool Session::State::would_pay() const {
  switch (settings.policy) {
    case Policy::its_only:
      if (!planted(PlantedBug::policy_not_asked)) return true;
      break;
    case Policy::computational:
      return false;
    case Policy::its_preferred:
      break;
  }
  if (planted(PlantedBug::empty_reserve_pays)) return true;
  const auto pads = reserve.pads(own_direction());
  const auto promised = book.promised_pads();
  if (pads <= promised) return false;
  if (planted(PlantedBug::mark_is_the_end) && pads - promised <= low_pads()) return false;
  const bool unpaid_yet = thrift.in_doubt && !thrift.brought;
  return pads - promised > low_pads() || (thrift.blocks_left == 0 && !unpaid_yet);
}

Authenticator Session::State::by_qkd_now() const {
  const bool derived = settings.policy == Policy::computational || thrift.lowered ||
                       (settings.policy == Policy::its_preferred && reserve.pads(own_direction()) == 0);
  return derived ? Authenticator::computational : Authenticator::qkd;
}

bool Session::feeds_reserve(Authenticator by) const {
  return by != Authenticator::computational || state_->settings.policy == Policy::computational ||
         planted(PlantedBug::unpaid_feeds_reserve);
}

bool Session::next_block_feeds_reserve() const {
  if (!state_->established()) return false;
  return state_->settings.policy != Policy::its_preferred || !state_->channel->sends_by_qkd || state_->would_pay();
}

void Session::State::pad_taken(BlockId block) {
  counters.pad_bits_spent += Reserve::pad_bits;
  if (settings.policy != Policy::its_preferred) return;
  thrift.in_doubt = block;
  thrift.brought = false;
}

void Session::State::pad_paid() {
  if (!thrift.brought && reserve.pads(own_direction()) < low_pads()) return pad_wasted();
  thrift = {};
  if (channel->switched) tell(by_qkd_now());
}

void Session::State::judge_pad(std::span<const BlockId> kept) {
  if (!thrift.in_doubt) return;
  if (std::ranges::contains(kept, *thrift.in_doubt)) return pad_paid();
  pad_wasted();
}

void Session::State::pad_wasted() {
  thrift.in_doubt.reset();
  if (reserve.pads(own_direction()) >= low_pads()) return;
  thrift.blocks_left = std::uint64_t{1} << std::min(thrift.wasted, doublings_max);
  ++thrift.wasted;
}

void Session::State::block_unpaid(BlockId block, const OpenBlock& open) {
  ++counters.blocks_computational;
  if (thrift.blocks_left > 0) --thrift.blocks_left;
  if (settings.policy == Policy::computational) return;
  const auto pads = reserve.pads(own_direction());
  const bool emptied = pads == 0 && !std::exchange(thrift.told_empty, true);
  if (std::exchange(thrift.lowered, true) && !emptied) return;
  const auto why = pads == 0        ? std::string{"no pad is left for this box's tags, so that only a restart of a service, on the "
                                                  "sealed reserve, or a bootstrap brings the link back from it"}
                   : open.own_pays ? std::format("box '{}' has few pads left for its tags", settings.peer_box)
                                   : std::format("{} pads are left for this box's tags", pads);
  alarm("AUTHENTICATION_LOWERED",
        std::format(
            "{}: from block {} on keys are authenticated computationally, by tags under HKDF-SHA-512 of QKD key, and "
            "labelled so; somebody or something has blocks lost at their very end, or bring less than they cost",
            why, block.value));
  if (channel->switched) tell(Authenticator::computational);
}

void Session::State::tell(Authenticator by) {
  const auto before = std::exchange(told, by);
  if (before != by) actions.emplace_back(AuthenticatorChanged{before, by});
}

/// `Established` has told it.
void Session::State::tell_established() { told = channel->switched ? by_qkd_now() : Authenticator::bootstrap; }

}  // namespace cloister::session
