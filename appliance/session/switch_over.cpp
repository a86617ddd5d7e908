#include "appliance/session/session_state.hpp"

namespace cloister::session {

void Session::State::offer_switch() {
  if (!established() || channel->sends_by_qkd || !reserve.ready()) return;
  wire::Writer payload;
  payload.block_id(*reserve.channel_block());
  send(FrameKind::switch_keys, payload.view());
  auto keys = direction_keys(reserve.channel_key().expose(), "switched", channel->id);
  channel->send_key = std::move(client() ? keys.client : keys.server);
  channel->sends_by_qkd = true;
  settle_switch();
}

void Session::State::on_switch(const Frame& frame, Instant now) {
  wire::Reader in{frame.payload};
  const auto block = in.block_id();
  if (!block || !in.at_end() || channel->receives_by_qkd)
    return end("PEER_PROTOCOL", "the peer switches keys when it may not", now);
  channel->switch_awaited = *block;
  try_switch_receiving();
}

void Session::State::try_switch_receiving() {
  if (!channel->switch_awaited || !reserve.ready() || reserve.channel_block() != channel->switch_awaited) return;
  auto keys = direction_keys(reserve.channel_key().expose(), "switched", channel->id);
  channel->receive_key = std::move(client() ? keys.server : keys.client);
  channel->receives_by_qkd = true;
  channel->switch_awaited.reset();
  settle_switch();
}

void Session::State::settle_switch() {
  if (channel->switched || !channel->sends_by_qkd || !channel->receives_by_qkd || book.any_under_bootstrap()) return;
  channel->switched = true;
  channel->bootstrap.reset();
  tell(by_qkd_now());
}

}  // namespace cloister::session
