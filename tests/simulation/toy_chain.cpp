#include "tests/simulation/toy_chain.hpp"

#include <deque>
#include <format>
#include <map>
#include <random>

#include "appliance/distill/messages.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::simulation {
namespace {

using distill::Amplified;
using distill::BlockId;
using distill::Dropped;

/// DROP is the product's: a quarantine says it, too.
enum class ToyMessage : std::uint8_t {
  sift = 1,
  answer,
  verdict,
  amplify,
  drop = static_cast<std::uint8_t>(distill::MessageType::drop)
};

constexpr std::size_t open_max = 4;
constexpr std::uint64_t bits_max = 1U << 16U;

struct ToyBlock {
  hal::Slot slot = 0;
  std::uint64_t bits = 0;
  ToyMessage expects{};
  bool suspect = false;
};

class ToyChain : public distill::Chain {
 public:
  explicit ToyChain(const ToyLight& light) : light_{light} {}

  void start(BlockId first) override {
    stop();
    next_ = first;
    running_ = true;
  }
  void stop() override {
    blocks_.clear();
    dropped_.clear();
    actions_.clear();
    running_ = false;
  }
  void on_frame(hal::DetectionFrame) override {}
  [[nodiscard]] bool wants_frame() const override { return false; }
  [[nodiscard]] Result<> on_message(BlockId id, std::uint8_t type, std::span<const std::byte> payload) override {
    if (!running_ || dropped_.contains(id)) return {};
    const auto message = static_cast<ToyMessage>(type);
    if (message == ToyMessage::sift) return on_sift(id, payload);
    const auto found = blocks_.find(id);
    if (found == blocks_.end()) return fail(std::format("block {} is not open", id.value));
    if (message == ToyMessage::drop) {
      const auto reason = distill::decode_drop(payload);
      if (!reason) return fail(std::format("block {}: dropped for no reason", id.value));
      drop(id, *reason, true);
      return {};
    }
    if (message != found->second.expects || !payload.empty())
      return fail(std::format("block {}: a message of type {} that cannot be", id.value, type));
    advance(id, found->second);
    return {};
  }
  [[nodiscard]] std::optional<distill::Action> next_action() override {
    if (actions_.empty()) return std::nullopt;
    distill::Action action = std::move(actions_.front());
    actions_.pop_front();
    return action;
  }
  [[nodiscard]] distill::Figures figures() const override { return {}; }

 protected:
  virtual Result<> on_sift(BlockId id, std::span<const std::byte> payload) = 0;
  virtual void advance(BlockId id, ToyBlock& block) = 0;

  void send(BlockId id, ToyMessage type, std::vector<std::byte> payload = {}) {
    actions_.emplace_back(distill::Send{id, static_cast<std::uint8_t>(type), std::move(payload)});
  }
  [[nodiscard]] distill::Account account_of(BlockId id, const ToyBlock& block) const {
    distill::Account account;
    account.block = id.value;
    account.detections = 2 * block.bits;
    account.length_bits = block.bits;
    return account;
  }
  void amplified(BlockId id) {
    const ToyBlock block = blocks_.at(id);
    blocks_.erase(id);
    std::mt19937_64 generator{light_.seed ^ (block.slot * 0x9E3779B97F4A7C15U)};
    crypto::SecretBits key{block.bits};
    for (auto& word : key.fill()) word = generator();
    actions_.emplace_back(Amplified{id, std::move(key), account_of(id, block)});
  }
  void drop_and_tell(BlockId id, distill::DropReason reason) {
    send(id, ToyMessage::drop, distill::encode(reason));
    drop(id, reason, false);
  }
  void drop(BlockId id, distill::DropReason reason, bool by_peer) {
    const ToyBlock block = blocks_.at(id);
    blocks_.erase(id);
    dropped_.insert(id);
    actions_.emplace_back(Dropped{id, reason, by_peer, "an eavesdropper", account_of(id, block)});
  }

  const ToyLight& light_;
  bool running_ = false;
  BlockId next_{1};
  std::map<BlockId, ToyBlock> blocks_;
  std::set<BlockId> dropped_;
  std::deque<distill::Action> actions_;
};

class ToyAlice final : public ToyChain {
 public:
  using ToyChain::ToyChain;

  void discard(const std::string&) override {
    for (auto& [id, block] : blocks_) block.suspect = true;
  }

 private:
  Result<> on_sift(BlockId id, std::span<const std::byte> payload) override {
    wire::Reader in{payload};
    const auto slot = in.u64();
    const auto bits = in.u64();
    if (!slot || !bits || !in.at_end() || *bits == 0 || *bits % 64 != 0 || *bits > bits_max || id < next_ ||
        blocks_.size() >= open_max)
      return fail(std::format("block {} may not begin", id.value));
    next_ = BlockId{id.value + 1};
    blocks_.emplace(id, ToyBlock{*slot, *bits, ToyMessage::verdict});
    send(id, ToyMessage::answer);
    return {};
  }
  void advance(BlockId id, ToyBlock& block) override {
    if (block.suspect) return drop_and_tell(id, distill::DropReason::device_suspect);
    send(id, ToyMessage::amplify);
    amplified(id);
  }
};

class ToyBob final : public ToyChain {
 public:
  using ToyChain::ToyChain;

  void on_frame(hal::DetectionFrame frame) override {
    const BlockId id = next_;
    next_ = BlockId{id.value + 1};
    blocks_.emplace(id, ToyBlock{frame.first, frame.slots, ToyMessage::answer});
    wire::Writer payload;
    payload.u64(frame.first).u64(frame.slots);
    send(id, ToyMessage::sift, std::move(payload).take());
  }
  [[nodiscard]] bool wants_frame() const override { return running_ && blocks_.size() < open_max; }
  void discard(const std::string&) override {
    while (!blocks_.empty()) drop_and_tell(blocks_.begin()->first, distill::DropReason::device_suspect);
  }

 private:
  Result<> on_sift(BlockId id, std::span<const std::byte>) override {
    return fail(std::format("block {}: a message of the receiver, to the receiver", id.value));
  }
  void advance(BlockId id, ToyBlock& block) override {
    if (block.expects == ToyMessage::amplify) return amplified(id);
    if (light_.disturbed.contains(block.slot)) return drop_and_tell(id, distill::DropReason::qber_above_limit);
    block.expects = ToyMessage::amplify;
    send(id, ToyMessage::verdict);
  }
};

}  // namespace

std::unique_ptr<distill::Chain> make_toy_alice(const ToyLight& light) { return std::make_unique<ToyAlice>(light); }
std::unique_ptr<distill::Chain> make_toy_bob(const ToyLight& light) { return std::make_unique<ToyBob>(light); }

}  // namespace cloister::simulation
