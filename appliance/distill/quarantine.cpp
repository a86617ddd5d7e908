#include "appliance/distill/quarantine.hpp"

#include <format>
#include <utility>

#include "appliance/distill/messages.hpp"

namespace cloister::distill {

Quarantine::Quarantine(std::unique_ptr<Chain> chain, std::chrono::milliseconds quiet_for)
    : chain_{std::move(chain)},
      quiet_seconds_{std::chrono::duration<double>(quiet_for).count()},
      bits_max_{unheld_bits_max(quiet_for)} {}

void Quarantine::start(BlockId first) {
  stop();
  chain_->start(first);
  running_ = true;
}

void Quarantine::stop() {
  chain_->stop();
  running_ = false;
  light_ = light_before_ = {};
  begun_.clear();
  quarantined_.clear();
  released_.clear();
  unheld_bits_ = 0;
  withdrawn_ = DroppedBlocks{unheld_blocks_max};
  actions_.clear();
}

bool Quarantine::full() const {
  return quarantined_.size() + released_.size() >= unheld_blocks_max || unheld_bits_ >= bits_max_;
}

void Quarantine::on_frame(hal::DetectionFrame frame) {
  if (!full()) chain_->on_frame(std::move(frame));
}

Result<> Quarantine::on_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload) {
  if (!running_ || withdrawn_.contains(block)) return {};  // the peer had not heard yet
  const bool amplified = quarantined_.contains(block) || released_.contains(block);
  if (amplified && type == static_cast<std::uint8_t>(MessageType::drop)) {
    if (decode_drop(payload) != DropReason::device_suspect)
      return fail(std::format("the peer discarded block {} after it was amplified here", block.value));
    withdraw(block, true, drop_text(DropReason::device_suspect, {}, true));
    return {};
  }
  return chain_->on_message(block, type, payload);
}

void Quarantine::discard(const std::string& why) {
  while (!quarantined_.empty()) {
    const BlockId block = quarantined_.begin()->first;
    actions_.emplace_back(
        Send{block, static_cast<std::uint8_t>(MessageType::drop), encode(DropReason::device_suspect)});
    withdraw(block, false, drop_text(DropReason::device_suspect, {}, false) + ": " + why);
  }
  chain_->discard(why);
}

void Quarantine::withdraw(BlockId block, bool by_peer, std::string text) {
  if (const auto kept = quarantined_.extract(block)) unheld_bits_ -= kept.mapped().bits;
  if (const auto free = released_.extract(block)) unheld_bits_ -= free.mapped();
  withdrawn_.add(block);
  ++withdrawn_count_;
  actions_.emplace_back(Withdrawn{block, by_peer, std::move(text)});
}

void Quarantine::watched(double seconds, std::uint64_t clicks) {
  if (!running_) return;
  light_before_ = light_;
  light_.seconds += seconds;
  light_.clicks += static_cast<double>(clicks);
}

void Quarantine::held(BlockId block) {
  if (const auto free = released_.extract(block)) unheld_bits_ -= free.mapped();
}

std::optional<Action> Quarantine::next_action() {
  if (!actions_.empty()) {
    Action action = std::move(actions_.front());
    actions_.pop_front();
    return action;
  }
  if (auto action = chain_->next_action()) {
    if (const auto* send = std::get_if<Send>(&*action)) begun_.try_emplace(send->block, light_before_);
    if (const auto* dropped = std::get_if<Dropped>(&*action)) begun_.erase(dropped->block);
    if (auto* made = std::get_if<Amplified>(&*action)) keep(*made);
    return action;
  }
  // They are closed by number: none before those that are older.
  if (quarantined_.empty()) return std::nullopt;
  const auto& [block, oldest] = *quarantined_.begin();
  if (light_.seconds < oldest.until.seconds || light_.clicks < oldest.until.clicks) return std::nullopt;
  const Released released{block};
  released_.emplace(block, oldest.bits);
  quarantined_.erase(quarantined_.begin());
  return released;
}

void Quarantine::keep(Amplified& made) {
  const std::uint64_t bits = made.key.size_bits();
  unheld_bits_ += bits;
  const auto begun = begun_.extract(made.block);
  made.quarantined = quiet_seconds_ > 0;
  if (!made.quarantined) {
    released_.emplace(made.block, bits);
    return;
  }
  const Light first = begun ? begun.mapped() : Light{};
  const double seconds = light_.seconds - first.seconds;
  const double clicks_per_second = seconds > 0 ? (light_.clicks - first.clicks) / seconds : 0;
  quarantined_.emplace(made.block, Quarantined{bits,
                                               {.seconds = light_.seconds + quiet_seconds_,
                                                .clicks = light_.clicks + clicks_per_second * quiet_seconds_ / 2}});
}

Figures Quarantine::figures() const {
  Figures figures = chain_->figures();
  figures.blocks_dropped += withdrawn_count_;
  figures.quarantined_blocks = quarantined_.size();
  for (const auto& [block, quarantined] : quarantined_) figures.quarantined_bits += quarantined.bits;
  return figures;
}

}  // namespace cloister::distill
