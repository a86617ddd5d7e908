#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/session/session_state.hpp"

namespace cloister::session {
using hooks::planted;
using hooks::PlantedBug;

OpenBlock* Session::State::open_block(BlockId block, bool by_qkd) {
  if (!by_qkd && !channel->bootstrap) return nullptr;
  OpenBlock begun;
  begun.by_qkd = by_qkd;
  if (by_qkd && settings.policy != Policy::computational) begun.paid.emplace(reserve.hash_key());
  if (by_qkd && may_be_unpaid() && !channel->computational)
    channel->computational.emplace(computational_tags(reserve.channel_key(), channel->id));
  if (!by_qkd || may_be_unpaid())
    begun.derived.emplace(hash_key(by_qkd ? Authenticator::computational : Authenticator::bootstrap));
  return book.open(block, std::move(begun));
}

OpenBlock* Session::State::transcribe(const Frame& frame, std::span<const std::byte> body, Instant now) {
  if (book.abandoned(frame.block)) return nullptr;
  OpenBlock* open = book.find(frame.block);
  if (open == nullptr) open = open_block(frame.block, channel->receives_by_qkd);
  if (open == nullptr || open->peer_note) {
    end("PEER_PROTOCOL", std::format("a frame of block {}, which is not open", frame.block.value), now);
    return nullptr;
  }
  open->add(peer_direction(), body);
  return open;
}

void Session::State::on_block(const Frame& frame, std::span<const std::byte> body, Instant now) {
  const bool abandoned = book.abandoned(frame.block);
  if (!abandoned && transcribe(frame, body, now) == nullptr) return;
  actions.emplace_back(DeliverBlockMessage{frame.block, frame.type, {frame.payload.begin(), frame.payload.end()}});
}

void Session::State::on_close(const Frame& frame, std::span<const std::byte> body, Instant now) {
  OpenBlock* open = transcribe(frame, body, now);
  if (open == nullptr) return;
  const bool unpaid_is_right = open->by_qkd && may_be_unpaid();
  if (frame.type != closes_paid && (frame.type != closes_unpaid || !unpaid_is_right)) {
    return end(
        "PEER_PROTOCOL",
        std::format("the peer would not pay for the tags of block {}, which the policy rules out", frame.block.value),
        now);
  }
  open->peer_note = std::vector<std::byte>(frame.payload.begin(), frame.payload.end());
  open->peer_pays = open->by_qkd && frame.type == closes_paid;
  if (thrift.in_doubt && *thrift.in_doubt < frame.block) pad_paid();
  send_tag(frame.block, *open, now);
}

const DerivedTags& Session::State::derived_tags(Authenticator by) const {
  return by == Authenticator::bootstrap ? channel->bootstrap->tags : *channel->computational;
}

const crypto::HashKey& Session::State::hash_key(Authenticator by) const {
  return by == Authenticator::qkd ? reserve.hash_key() : derived_tags(by).hash_key;
}

crypto::PolynomialHash Session::State::tag_hash(const OpenBlock& open, BlockId block, std::size_t direction) const {
  return open.transcript().close(hash_key(open.by()), channel->id, block, direction);
}

void Session::State::send_tag(BlockId block, OpenBlock& open, Instant now) {
  if (!open.closed() || open.tag_sent) return;
  const auto hash = tag_hash(open, block, own_direction());
  wire::Writer payload;
  if (open.by() == Authenticator::qkd) {
    auto pad = reserve.take_next(own_direction());
    if (!pad) {
      drop_reserve();  // the next session bootstraps anew, as both greetings will say
      return end("RESERVE_EMPTY", "the authentication reserve is spent: the channel must be bootstrapped again", now);
    }
    open.own_pad = pad->name;
    pad_taken(block);
    hooks::saw_pad_used(pad->pad.expose(), hash.value(), block.value);
    if (planted(PlantedBug::pad_sent)) payload.bytes(pad->pad.expose());
    payload.key_name(pad->name).bytes(crypto::seal_tag(hash, std::move(pad->pad)));
  } else {
    auto pad = derived_tags(open.by()).pad(block, own_direction());
    hooks::saw_pad_used(pad.expose(), hash.value(), block.value);
    payload.key_name({}).bytes(crypto::seal_tag(hash, std::move(pad)));
  }
  open.tag_sent = true;
  send(FrameKind::tag, block, 0, payload.view());
}

void Session::State::on_tag(const Frame& frame, Instant now) {
  if (book.abandoned(frame.block)) return;
  OpenBlock* open = book.find(frame.block);
  wire::Reader in{frame.payload};
  const auto name = in.key_name();
  const auto bytes = in.bytes(16);
  if (open == nullptr || !open->closed() || open->tag_verified || !name || !bytes || !in.at_end()) {
    return end("PEER_PROTOCOL", std::format("a tag of block {} that cannot be", frame.block.value), now);
  }
  crypto::Block128 tag{};
  std::ranges::copy(*bytes, tag.begin());
  const auto hash = tag_hash(*open, frame.block, peer_direction());
  bool good = false;
  if (open->by() == Authenticator::qkd) {
    const crypto::TagPad* pad = reserve.find(peer_direction(), *name);
    good = pad != nullptr && crypto::tag_matches(hash, *pad, tag);
    if (good || (pad != nullptr && planted(PlantedBug::tag_not_checked)))
      hooks::saw_tag_verified(pad->expose(), hash.value(), frame.block.value);
    if (good || planted(PlantedBug::pad_burnt_on_forgery)) reserve.spend(peer_direction(), *name);
    if (good && planted(PlantedBug::low_water_for_lease) && name->block == Reserve::sealed_pads && sealed) {
      actions.emplace_back(MoveCounter{Counter::granted, sealed->granted()});
      vault_steps.push_back({.what = VaultStep::What::grant});
    }
  } else {
    const auto pad = derived_tags(open->by()).pad(frame.block, peer_direction());
    good = crypto::tag_matches(hash, pad, tag);
    if (good) hooks::saw_tag_verified(pad.expose(), hash.value(), frame.block.value);
  }
  if (!good && !planted(PlantedBug::tag_not_checked))
    return end("CHANNEL_TAMPERED",
               std::format("the transcript of block {} differs on the two boxes: someone changed the classical channel",
                           frame.block.value),
               now);
  open->tag_verified = true;
  send(FrameKind::verified, frame.block, 0, {});
  settle_block(frame.block, *open);
}

void Session::State::on_verified(const Frame& frame, Instant now) {
  if (book.abandoned(frame.block)) return;
  OpenBlock* open = book.find(frame.block);
  if (open == nullptr || !open->tag_sent || open->peer_verified)
    return end("PEER_PROTOCOL", std::format("a verdict on block {} that cannot be", frame.block.value), now);
  if (planted(PlantedBug::pad_kept_until_verified) && open->by() == Authenticator::qkd)
    reserve.spend(own_direction(), open->own_pad);
  hooks::saw_peer_verified(frame.block.value);
  open->peer_verified = true;
  settle_block(frame.block, *open);
}

void Session::State::settle_block(BlockId block, OpenBlock& open) {
  if (!open.held()) return;
  const auto by = open.by();
  if (by == Authenticator::computational) block_unpaid(block, open);
  BlockHeld held_block{block, std::move(*open.own_note), std::move(*open.peer_note),
                       planted(PlantedBug::label_not_of_block) ? Authenticator::qkd : by};
  book.finish(block);
  held.push_back(block);
  std::ranges::sort(held);
  if (held.size() > greeting_held_max) {
    // The oldest is forgotten, but not one whose keys authenticate the channel, and one that has pads in the reserve only
    // where all have: both boxes must go on naming them.
    auto forgotten = std::ranges::find_if_not(held, [this](BlockId old) { return reserve.has_any_of(old); });
    if (forgotten == held.end())
      forgotten = std::ranges::find_if_not(held, [this](BlockId old) { return reserve.has_key_of(old); });
    held.erase(forgotten);
  }
  ++counters.blocks_held;
  actions.emplace_back(std::move(held_block));
  settle_switch();
}

}  // namespace cloister::session
