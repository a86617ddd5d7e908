#include "appliance/distill/external_chain.hpp"

#include <algorithm>
#include <format>
#include <utility>

#include "appliance/distill/block.hpp"
#include "crypto/key_log.hpp"

namespace cloister::distill {
namespace {

std::unexpected<Error> malformed(BlockId block, std::uint8_t type) {
  return fail(std::format("block {}: a message of type {} that cannot be", block.value, type));
}

crypto::TagPad pad_of(const crypto::SecretBits& keys) {
  crypto::TagPad pad;
  std::ranges::copy(keys.expose_bytes().first(crypto::TagPad::size), pad.fill().begin());
  return pad;
}

/// The number of bits is known to both, and all are whole bytes.
crypto::PolynomialHash hash_of(const crypto::VerificationKey& key, const crypto::SecretBits& rest) {
  crypto::HashKey hash_key;
  std::ranges::copy(key.key, hash_key.fill().begin());
  crypto::PolynomialHash hash{hash_key};
  hash.update(rest.expose_bytes());
  return hash;
}

/// One behind the other.
crypto::SecretBits joined(const std::vector<hal::FinishedKey>& keys) {
  std::size_t bytes = 0;
  for (const auto& key : keys) bytes += key.bits.size();
  crypto::SecretBits all{8 * bytes};
  auto out = std::as_writable_bytes(all.fill());
  for (const auto& key : keys) {
    std::ranges::copy(key.bits, out.begin());
    out = out.subspan(key.bits.size());
  }
  return all;
}

}  // namespace

void ExternalChain::start(BlockId first) {
  stop();
  next_ = first;
  running_ = true;
}

void ExternalChain::stop() {
  state_ = Idle{};
  dropped_.reset();
  actions_.clear();
  running_ = false;
}

std::optional<Action> ExternalChain::next_action() {
  if (actions_.empty()) return std::nullopt;
  Action action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

BlockId ExternalChain::block_of_state() const {
  if (const auto* fetching = std::get_if<Fetching>(&state_)) return fetching->block;
  if (const auto* waiting = std::get_if<Waiting>(&state_)) return waiting->block;
  return {};
}

Result<> ExternalChain::on_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload) {
  if (!running_ || block == dropped_) return {};
  const auto kind = static_cast<ExternalMessage>(type);
  if (kind == ExternalMessage::offer) return on_offer(block, payload);
  if (std::holds_alternative<Idle>(state_) || block != block_of_state()) return malformed(block, type);
  if (kind == ExternalMessage::drop) {
    const auto reason = decode_external_drop(payload);
    if (!reason) return malformed(block, type);
    drop(*reason, true, {});
    return {};
  }
  if (!std::holds_alternative<Waiting>(state_)) return malformed(block, type);
  if (kind == ExternalMessage::check && role_ == ExternalRole::alice) return on_check(payload);
  if (kind != ExternalMessage::agreed || role_ != ExternalRole::bob || !payload.empty()) return malformed(block, type);
  amplified();
  return {};
}

bool ExternalChain::wants_fresh_keys() const {
  return running_ && role_ == ExternalRole::alice && std::holds_alternative<Idle>(state_);
}

Result<> ExternalChain::on_fresh_keys(std::vector<hal::FinishedKey> keys, std::uint16_t at_once) {
  require(wants_fresh_keys() && !keys.empty() && keys.size() <= offered_keys_max, "fresh keys out of turn");
  Offer offer{.key_bits = static_cast<std::uint32_t>(8 * keys.front().bits.size()), .at_once = at_once, .ids = {}};
  for (const auto& key : keys) offer.ids.push_back(key.id);
  if (!remember(offer.ids))
    return fail("the KME gave a key that it had given before: nothing of what it gave is used; look at the KME");
  const BlockId block = std::exchange(next_, BlockId{next_.value + 1});
  state_ = take_in(block, std::move(keys));
  send(block, ExternalMessage::offer, encode(offer));
  return {};
}

std::optional<BlockId> ExternalChain::offered() const {
  const auto* waiting = std::get_if<Waiting>(&state_);
  return role_ == ExternalRole::alice && waiting != nullptr ? std::optional{waiting->block} : std::nullopt;
}

void ExternalChain::give_up(BlockId block, std::string why) {
  if (offered() == block) refuse(std::move(why));
}

Result<> ExternalChain::on_offer(BlockId block, std::span<const std::byte> payload) {
  auto offer = decode_offer(payload);
  const auto bits = offer ? std::uint64_t{offer->key_bits} * offer->ids.size() : 0;
  if (role_ != ExternalRole::bob || !std::holds_alternative<Idle>(state_) || block < next_ ||
      bits < check_bits + length_bits_min)
    return fail(std::format("block {} may not begin", block.value));
  next_ = BlockId{block.value + 1};
  const bool fresh = remember(offer->ids);
  state_ = Fetching{block, std::move(*offer)};
  if (!fresh) on_named_keys(block, fail("it has keys that were used before: look at the peer's KME"));
  return {};
}

std::optional<Wish> ExternalChain::next_wish() {
  auto* fetching = std::get_if<Fetching>(&state_);
  if (fetching == nullptr || std::exchange(fetching->asked, true)) return std::nullopt;
  return Wish{fetching->block, fetching->offer};
}

void ExternalChain::on_named_keys(BlockId block, Result<std::vector<hal::FinishedKey>> keys) {
  if (!std::holds_alternative<Fetching>(state_) || block != block_of_state()) return;
  if (!keys) return refuse(std::move(keys.error().message));
  auto& waiting = state_.emplace<Waiting>(take_in(block, std::move(*keys)));
  Check check{};
  random_.fill(check.key.key);
  check.tag = crypto::seal_tag(hash_of(check.key, waiting.rest), std::move(waiting.pad));
  send(block, ExternalMessage::check, encode(check));
}

Result<> ExternalChain::on_check(std::span<const std::byte> payload) {
  const auto& waiting = std::get<Waiting>(state_);
  const auto check = decode_check(payload);
  if (!check) return malformed(waiting.block, static_cast<std::uint8_t>(ExternalMessage::check));
  if (!crypto::tag_matches(hash_of(check->key, waiting.rest), waiting.pad, check->tag)) {
    send(waiting.block, ExternalMessage::drop, encode_external_drop(DropReason::kmes_disagree));
    drop(DropReason::kmes_disagree, false, {});
    return {};
  }
  send(waiting.block, ExternalMessage::agreed, {});
  amplified();
  return {};
}

ExternalChain::Waiting ExternalChain::take_in(BlockId block, std::vector<hal::FinishedKey> keys) const {
  const auto all = joined(keys);
  Waiting waiting{
      .block = block, .account = {}, .pad = pad_of(all), .rest = all.slice(check_bits, all.size_bits() - check_bits)};
  waiting.account.block = block.value;
  waiting.account.external = ExternalKeys{.keys = keys.size(), .key_bits = 8 * keys.front().bits.size()};
  waiting.account.verification_bits = check_bits;
  return waiting;
}

/// False: one of them was there.
bool ExternalChain::remember(const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    if (!ids_.insert(id).second) return false;
    ids_by_age_.push_back(id);
    if (ids_by_age_.size() <= ids_remembered) continue;
    ids_.erase(ids_by_age_.front());
    ids_by_age_.pop_front();
  }
  return true;
}

void ExternalChain::send(BlockId block, ExternalMessage type, std::vector<std::byte> payload) {
  actions_.emplace_back(Send{block, static_cast<std::uint8_t>(type), std::move(payload)});
}

void ExternalChain::amplified() {
  auto waiting = std::get<Waiting>(std::exchange(state_, Idle{}));
  crypto::log_secret("amplified bits", waiting.rest.expose_bytes());
  waiting.account.length_bits = waiting.rest.size_bits();
  figures_.secret_bits += waiting.rest.size_bits();
  ++figures_.blocks_amplified;
  actions_.emplace_back(Amplified{waiting.block, std::move(waiting.rest), waiting.account});
}

/// What the peer has said of the block before it hears of that is passed over.
void ExternalChain::refuse(std::string why) {
  dropped_ = block_of_state();
  send(*dropped_, ExternalMessage::drop, encode_external_drop(DropReason::kme_failed));
  drop(DropReason::kme_failed, false, std::move(why));
}

void ExternalChain::drop(DropReason reason, bool by_peer, std::string text) {
  Account account;
  account.block = block_of_state().value;
  if (const auto* fetching = std::get_if<Fetching>(&state_))
    account.external = ExternalKeys{.keys = fetching->offer.ids.size(), .key_bits = fetching->offer.key_bits};
  else
    account = std::get<Waiting>(state_).account;
  state_ = Idle{};
  ++figures_.blocks_dropped;
  if (text.empty()) text = drop_text(reason, account, by_peer);
  actions_.emplace_back(Dropped{BlockId{account.block}, reason, by_peer, std::move(text), account});
}

}  // namespace cloister::distill
