#include "tests/simulation/witness.hpp"

#include <algorithm>
#include <cstring>

#include "crypto/error.hpp"

namespace cloister::simulation {
namespace {

thread_local Witness* present_witness = nullptr;

Unit unit_of(std::span<const std::byte> bytes) {
  Unit unit{};
  std::ranges::copy(bytes.first(unit.size()), unit.begin());
  return unit;
}

std::size_t beginning_of(const std::byte* bytes) {
  std::uint16_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// Whether memory that was given back still has it. Other threads may have it by now, which is what the thread
/// sanitizer would say.
bool still_there([[maybe_unused]] const std::byte* where, [[maybe_unused]] const Unit& what) {
#if defined(__SANITIZE_THREAD__)
  return false;
#else
  return std::memcmp(where, what.data(), what.size()) == 0;
#endif
}

}  // namespace

std::size_t UnitHash::operator()(const Unit& unit) const {
  std::size_t value = 0;
  std::memcpy(&value, unit.data(), sizeof value);
  return value;
}

Witness::Witness(VirtualWorld& world)
    : world_{world}, outer_{std::exchange(present_witness, this)}, beginnings_(65536 / 64) {}
Witness::~Witness() { present_witness = outer_; }

void Witness::enter(std::size_t box) {
  present_witness = this;
  box_ = box;
}

Witness::Unseen::Unseen(Witness& witness, std::size_t box) : witness_{witness}, before_{witness.box_} {
  witness_.enter(box);
  witness_.sees_ = false;
}
Witness::Unseen::~Unseen() {
  witness_.box_ = before_;
  witness_.sees_ = true;
}

Witness& Witness::present() {
  require(present_witness != nullptr, "the simulation's engines run without a witness");
  return *present_witness;
}

std::uint64_t Witness::wall_clock() const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().time_since_epoch()).count();
  return static_cast<std::uint64_t>(ms + wall_ahead_ms_[box_]);
}

void Witness::broken(std::string what) {
  if (!failure_.empty() || !what.starts_with(only_)) return;
  world_.say("BROKEN", "{}", what);
  failure_ = std::move(what);
}

void Witness::learn(const Unit& unit) {
  secrets_.insert(unit);
  const auto at = beginning_of(unit.data());
  beginnings_[at / 64] |= std::uint64_t{1} << (at % 64);
}

void Witness::on_bootstrap_secret(std::span<const std::byte> secret) {
  learn(unit_of(secret));
  exported_.assign(secret.begin(), secret.end());
}

void Witness::on_bits_given(hooks::BitRole role, std::span<const std::byte> bits) {
  for (; bits.size() >= Unit{}.size(); bits = bits.subspan(Unit{}.size())) {
    const Unit unit = unit_of(bits);
    learn(unit);
    const auto own_pad = box_ == 0 ? hooks::BitRole::pad_to_server : hooks::BitRole::pad_to_client;
    if (role == own_pad && blocks_[box_][allocated_[box_]].peer_paid) wasted_[box_] = false;
    using enum hooks::BitRole;
    const bool of_traffic = role == traffic_pad_to_server || role == traffic_pad_to_client ||
                            role == traffic_hash_to_server || role == traffic_hash_to_client;
    if (of_traffic && !paid(allocated_[box_])) broken("I12: a one-time pad of a block that no pad has paid for");
    if (withdrawn_.contains(unit)) broken("I14: bits of a block that a box has withdrawn were given out");
    const auto [known, fresh] = roles_.emplace(unit, role);
    if (!fresh && known->second != role) broken("I1: the same bits in two roles");
  }
}

void Witness::on_pad_used(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block) {
  const Unit unit = unit_of(pad);
  learn(unit);
  const auto [use, fresh] = pads_used_.emplace(
      unit, Use{.hash = unit_of(hash), .by = box_, .block = block, .verified = false, .paid = roles_.contains(unit)});
  if (!fresh) broken("I1: a pad was used for two tags");
  own_tags_[box_][block] = unit;
  pads_of_now_.push_back({pad.data(), unit});
}

void Witness::on_tag_verified(std::span<const std::byte> pad, std::span<const std::byte> hash, std::uint64_t block) {
  verified_now_[box_] = true;
  blocks_[box_][block].tag_verified = true;
  const auto use = pads_used_.find(unit_of(pad));
  if (use == pads_used_.end()) return broken("I2: a tag was verified that nobody has made");
  if (use->second.hash != unit_of(hash) || use->second.by == box_)
    return broken("I2: a tag was verified for another transcript than it was made for");
  blocks_[box_][block].peer_paid = use->second.paid;
  blocks_[box_][block].peer_pad = use->first;
  if (use->second.verified) broken("I2: a tag was verified twice");
  use->second.verified = true;
}

void Witness::on_peer_verified(std::uint64_t block) {
  blocks_[box_][block].peer_verified = true;
  const auto tag = own_tags_[box_].find(block);
  if (tag == own_tags_[box_].end() || !pads_used_.at(tag->second).verified)
    broken("I6: a block counts as verified that the peer has not verified");
}

void Witness::on_pad_spent(std::span<const std::byte> pad) {
  const auto use = pads_used_.find(unit_of(pad));
  const bool own = use != pads_used_.end() && use->second.by == box_;
  if (!own && !verified_now_[box_]) broken("I4: a pad was taken from the reserve for a tag that does not hold");
}

void Witness::on_chunk_opened(std::span<const std::byte> generation, std::size_t direction, std::uint32_t chunk) {
  auto& next = next_chunk_[{unit_of(generation), direction}];
  if (chunk < next) broken("I3: a chunk of the sealed reserve was opened again");
  next = chunk + 1;
}

void Witness::on_block_allocated(std::uint64_t block) {
  allocated_[box_] = block;
  const Told told = blocks_[box_][block];
  if (!told.tag_verified || !told.peer_verified)
    broken("I6: a key was given out of a block that was not verified on both boxes");
  const auto own = own_tags_[box_].find(block);
  if (own != own_tags_[box_].end()) pads_used_.at(own->second).held[box_] = true;
  if (told.tag_verified) pads_used_.at(told.peer_pad).held[box_] = true;
}

bool Witness::paid(std::uint64_t block) {
  const auto own = own_tags_[box_].find(block);
  return own != own_tags_[box_].end() && pads_used_.at(own->second).paid && blocks_[box_][block].peer_paid;
}

void Witness::on_label(std::string_view label) {
  if ((label == "qkd") != paid(allocated_[box_])) broken("I12: a block's label is not what authenticated it");
}

void Witness::on_label_of_sa(std::uint32_t spi, std::string_view label) {
  if (labels_.try_emplace(spi, label).first->second != label) broken("I12: the key of an SA has two labels");
}

void Witness::on_key_taken(std::span<const std::byte> key) {
  const Unit unit = unit_of(key);
  if (!keys_taken_[box_].insert(unit).second) broken("I1: a tunnel key was used twice");
  keys_.push_back({key.data(), unit});
}

void Witness::on_traffic_pad_used(hooks::PadUse use, std::span<const std::byte> unit_used) {
  using hooks::BitRole;
  const Unit unit = unit_of(unit_used);
  const auto role = roles_.find(unit);
  const bool hash_key = use == hooks::PadUse::hash_key;
  const auto to_server = hash_key ? BitRole::traffic_hash_to_server : BitRole::traffic_pad_to_server;
  const auto to_client = hash_key ? BitRole::traffic_hash_to_client : BitRole::traffic_pad_to_client;
  if (role == roles_.end() || role->second != (box_ == 0 ? to_server : to_client))
    broken("I1: a one-time pad of bits that are not for it");
  if (!traffic_pads_used_.try_emplace(unit, PadUnit{.use = use}).second) broken("I1: a one-time pad was used twice");
  if (use == hooks::PadUse::text) texts_now_.push_back(unit);
  if (!hash_key) pads_of_now_.push_back({unit_used.data(), unit});  // that one stays, in the SA
}

void Witness::on_traffic_pad_opened(hooks::PadUse use, std::span<const std::byte> unit_used) {
  const auto used = traffic_pads_used_.find(unit_of(unit_used));
  if (used == traffic_pads_used_.end() || used->second.use != use)
    return broken("I1: the receiver has a one-time pad for another use than the sender");
  if (std::exchange(used->second.opened, true)) broken("I1: a one-time pad was used twice by the receiver");
  if (use != hooks::PadUse::hash_key) pads_of_now_.push_back({unit_used.data(), used->first});
}

void Witness::on_sa(std::uint32_t spi, std::span<const std::byte> key) {
  learn(unit_of(key));
  const auto [known, fresh] = sas_.try_emplace(spi, key.begin(), key.end());
  if (!fresh && !std::ranges::equal(known->second, key)) broken("I6: the two boxes have different keys for one SA");
}

void Witness::on_sealed(std::uint32_t spi, std::span<const std::byte> nonce) {
  const auto key = sas_.find(spi);
  require(key != sas_.end(), "a packet of an SA that was never installed");
  if (!sealed_.emplace(key->second, std::vector<std::byte>(nonce.begin(), nonce.end())).second)
    broken("I9: a nonce was used twice under one key");
}

void Witness::on_session_end(std::size_t box) {
  for (const auto& [block, pad] : own_tags_[box]) {
    const Use& use = pads_used_.at(pad);
    if (use.paid && !(use.held[0] && use.held[1])) wasted_[box] = true;
  }
  blocks_[box].clear();
  own_tags_[box].clear();
}

void Witness::on_amplified(std::span<const std::byte> key) {
  if (key.size() >= Unit{}.size()) keys_.push_back({key.data(), unit_of(key)});
}

void Witness::on_withdrawn(std::span<const std::byte> key) {
  for (std::size_t i = 0; i + Unit{}.size() <= key.size(); i += 8) {
    const Unit unit = unit_of(key.subspan(i));
    if (roles_.contains(unit)) broken("I14: a box has withdrawn a block that is a key already");
    withdrawn_.insert(unit);
  }
}

bool Witness::knows_at(std::span<const std::byte> bytes) const {
  const auto at = beginning_of(bytes.data());
  if ((beginnings_[at / 64] >> (at % 64) & 1U) == 0) return false;
  return secrets_.contains(unit_of(bytes));
}

bool Witness::knows_part_of(std::span<const std::byte> bytes) const {
  for (std::size_t i = 0; i + Unit{}.size() <= bytes.size(); ++i)
    if (knows_at(bytes.subspan(i))) return true;
  return false;
}

void Witness::on_sent(std::span<const std::byte> bytes) {
  if (knows_part_of(bytes)) return broken("C1: secret bits on the wire");
  if (beside_ != nullptr && beside_->knows_part_of(bytes)) broken("C1: secret bits of another link on the wire");
}

void Witness::on_sent_under_pad(std::span<const std::byte> datagram) {
  constexpr std::size_t unit_bytes = Unit{}.size();
  for (std::size_t i = 0; i + unit_bytes <= datagram.size(); ++i) {
    const auto window = datagram.subspan(i, unit_bytes);
    if (!knows_at(window)) continue;
    const std::size_t place = i / unit_bytes - 1;  // behind the header
    const bool of_text = i % unit_bytes == 0 && place < texts_now_.size() && texts_now_[place] == unit_of(window);
    if (!of_text) return broken("C1: secret bits on the wire");
  }
  texts_now_.clear();
  if (beside_ != nullptr && beside_->knows_part_of(datagram)) broken("C1: secret bits of another link on the wire");
}

void Witness::look() {
  verified_now_ = {};
  for (const auto& [where, what] : pads_of_now_)
    if (still_there(where, what)) broken("I10: a pad is left in memory after its tag was made");
  pads_of_now_.clear();
}

void Witness::look_at_what_is_left() {
  for (const auto& [where, what] : keys_)
    if (still_there(where, what)) broken("I10: a key is left in memory after it has gone");
  if (beside_ == nullptr) return;
  for (const auto& [unit, role] : roles_)
    if (beside_->roles_.contains(unit)) broken("I1: the same bits on two links");
}

}  // namespace cloister::simulation
