#pragma once
/// The chain of a link whose keys others have made (docs/decisions/0015-finished-keys.md): finished keys and the peer's
/// messages in, secret blocks out.
///
///   Alice  Idle ──on_fresh_keys──▶ Offered ──CHECK holds──▶ Amplified        Bob  Idle ──OFFER──▶ Fetching ──on_named_keys──▶
///                                     └── CHECK fails, DROP, give_up ──▶ Dropped           Checked ──AGREED──▶ Amplified, DROP ──▶ Dropped
///
/// One block at a time. An engine: no I/O, no clock; whoever owns it asks the source for keys as it says, and waits between
/// two attempts. Of a block's keys, put behind each other, the first 128 bits encrypt the tag over the rest, and go.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "appliance/distill/external_messages.hpp"
#include "hal/finished_key.hpp"

namespace cloister::distill {

/// Bits of a block's keys that its check uses up.
inline constexpr std::uint64_t check_bits = 8 * crypto::TagPad::size;
/// Identifiers that are remembered, so that a source which gives a key twice is found out.
inline constexpr std::size_t ids_remembered = 65'536;

enum class ExternalRole { alice, bob };

/// Keys that Bob's source is to be asked for.
struct Wish {
  BlockId block;
  Offer offer;
};

class ExternalChain final : public Chain {
 public:
  /// `random` outlives the chain.
  ExternalChain(ExternalRole role, crypto::Random& random) : role_{role}, random_{random} {}

  void start(BlockId first) override;
  void stop() override;
  void on_frame(hal::DetectionFrame) override {}
  [[nodiscard]] bool wants_frame() const override { return false; }
  void discard(const std::string&) override {}
  [[nodiscard]] Result<> on_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload) override;
  [[nodiscard]] std::optional<Action> next_action() override;
  [[nodiscard]] Figures figures() const override { return figures_; }

  /// Alice: a block may begin.
  [[nodiscard]] bool wants_fresh_keys() const;
  /// Alice, while `wants_fresh_keys()`. An error: the source has given one of them before, and there is no block.
  [[nodiscard]] Result<> on_fresh_keys(std::vector<hal::FinishedKey> keys, std::uint16_t at_once);
  /// Alice: the block whose keys Bob has been offered, and of which he has not said anything yet.
  [[nodiscard]] std::optional<BlockId> offered() const;
  /// Alice: she waits for Bob no longer; `why` for a person. Nothing happens where that block is no more.
  void give_up(BlockId block, std::string why);
  /// Bob: what to ask for now; once.
  [[nodiscard]] std::optional<Wish> next_wish();
  /// Bob: what came of it; keys in the order of the wish. Nothing happens where that block is no more.
  void on_named_keys(BlockId block, Result<std::vector<hal::FinishedKey>> keys);

 private:
  struct Idle {};
  struct Fetching {
    BlockId block;
    Offer offer;
    bool asked = false;
  };
  /// Offered by Alice, or checked by Bob: the other has the word.
  struct Waiting {
    BlockId block;
    Account account;
    crypto::TagPad pad;  // gone once Bob has used it
    crypto::SecretBits rest;
  };
  using State = std::variant<Idle, Fetching, Waiting>;

  [[nodiscard]] BlockId block_of_state() const;
  [[nodiscard]] Result<> on_offer(BlockId block, std::span<const std::byte> payload);
  [[nodiscard]] Result<> on_check(std::span<const std::byte> payload);
  [[nodiscard]] Waiting take_in(BlockId block, std::vector<hal::FinishedKey> keys) const;
  [[nodiscard]] bool remember(const std::vector<std::string>& ids);
  void send(BlockId block, ExternalMessage type, std::vector<std::byte> payload);
  void amplified();
  void refuse(std::string why);
  void drop(DropReason reason, bool by_peer, std::string text);

  ExternalRole role_;
  crypto::Random& random_;
  bool running_ = false;
  BlockId next_{1};
  State state_ = Idle{};
  std::optional<BlockId> dropped_;  // here, and the peer may not have heard
  std::unordered_set<std::string> ids_;
  std::deque<std::string> ids_by_age_;
  std::deque<Action> actions_;
  Figures figures_;
};

}  // namespace cloister::distill
