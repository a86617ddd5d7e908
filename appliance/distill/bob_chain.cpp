#include <algorithm>
#include <cmath>
#include <deque>
#include <format>
#include <map>

#include "appliance/distill/block.hpp"
#include "appliance/distill/cascade.hpp"
#include "appliance/distill/chain.hpp"
#include "appliance/distill/confirmation.hpp"
#include "appliance/distill/messages.hpp"
#include "crypto/key_log.hpp"
#include "crypto/toeplitz.hpp"

namespace cloister::distill {
namespace {

/// What a round trip of several milliseconds holds; they are the one queue between device and blocks.
constexpr std::size_t sifts_in_flight_max = 16;
/// From so many tested bits on, a QBER that is clearly too high ends the block early.
constexpr std::uint64_t tested_to_judge = 20'000;
constexpr double clearly = 5;  // standard deviations
constexpr std::uint64_t tested_to_show = 500;
constexpr double qber_guess = 0.02;

class BobChain final : public Chain {
 public:
  BobChain(const Parameters& parameters, crypto::Random& random) : parameters_{parameters}, random_{random} {}

  void start(BlockId first) override {
    stop();
    next_ = first;
    running_ = true;
  }
  void stop() override {
    blocks_.clear();
    dropped_ = {};
    sifts_.clear();
    actions_.clear();
    running_ = false;
  }

  bool wants_frame() const override {
    return running_ && sifts_.size() < sifts_in_flight_max && (filling() || may_open());
  }

  void on_frame(hal::DetectionFrame frame) override {
    if (!running_ || frame.detections.empty()) return;
    frame.detections.resize(std::min(frame.detections.size(), sift_detections_max));
    if (!filling()) {
      blocks_.emplace(next_, Block{SiftedBlock{next_, parameters_}, {}, {}, {}});
      next_ = BlockId{next_.value + 1};
    }
    const BlockId id = blocks_.rbegin()->first;
    Watched seen = watched(frame);
    send(id, MessageType::sift, encode(seen.message));
    figures_.detections += frame.detections.size();
    blocks_.rbegin()->second.sifted.account.detections += frame.detections.size();
    sifts_.push_back({id, std::move(seen.bits), std::move(seen.message.bases)});
  }

  Result<> on_message(BlockId id, std::uint8_t type, std::span<const std::byte> payload) override {
    if (!running_) return {};
    const auto kind = static_cast<MessageType>(type);
    const auto found = blocks_.find(id);
    if (found == blocks_.end()) {
      if (dropped_.contains(id)) return {};  // the peer had not heard yet
      return fail(std::format("the peer speaks of block {}, which is done or was not begun", id.value));
    }
    Block& block = found->second;
    switch (kind) {
      case MessageType::sift_reply:
        return on_sift_reply(id, block, payload);
      case MessageType::parities:
      case MessageType::answers:
        return on_parities(id, block, kind, payload);
      case MessageType::verify:
        return on_verify(id, block, payload);
      case MessageType::amplify:
        return on_amplify(id, block, payload);
      case MessageType::drop: {
        const auto reason = decode_drop(payload);
        if (!reason) return malformed(id, type);
        drop(id, *reason, true);
        return {};
      }
      default:
        return malformed(id, type);
    }
  }

  void discard(const std::string& why) override {
    while (!blocks_.empty()) {
      const BlockId id = blocks_.begin()->first;
      send(id, MessageType::drop, encode(DropReason::device_suspect));
      drop(id, DropReason::device_suspect, false);
      std::get<Dropped>(actions_.back()).text += ": " + why;
    }
  }

  std::optional<Action> next_action() override {
    if (actions_.empty()) return std::nullopt;
    Action action = std::move(actions_.front());
    actions_.pop_front();
    return action;
  }

  Figures figures() const override {
    Figures figures = figures_;
    if (filling()) {
      const auto& block = blocks_.rbegin()->second.sifted;
      figures.filling_bits = block.bits.size_bits();
      if (block.tested() >= tested_to_show) figures.live_test_qber = block.account.test_qber();
    }
    if (!figures.live_test_qber) figures.live_test_qber = last_test_qber_;
    return figures;
  }

 private:
  enum class Awaiting { nothing, parities, answers, verify, amplify };

  struct Block {
    SiftedBlock sifted;
    bool full = false;  // no frame joins it any more
    Awaiting awaiting = Awaiting::nothing;
    std::optional<CascadeCorrector> corrector;
  };

  /// A SIFT that Alice has not answered yet.
  struct Sift {
    BlockId block;
    crypto::SecretBits bits;
    BitString bases;
  };

  static std::unexpected<Error> malformed(BlockId id, std::uint8_t type) {
    return fail(std::format("block {}: a message of type {} that cannot be", id.value, type));
  }
  static std::unexpected<Error> malformed(BlockId id, MessageType type) {
    return malformed(id, static_cast<std::uint8_t>(type));
  }

  /// One is filled while those before are reconciled. Counted by number, so that a block that is slow holds the others
  /// back: what is made after it waits for it.
  [[nodiscard]] bool may_open() const {
    return blocks_.empty() || next_.value - blocks_.begin()->first.value < open_blocks_max(parameters_);
  }
  /// Whether the newest block takes frames.
  [[nodiscard]] bool filling() const { return !blocks_.empty() && !blocks_.rbegin()->second.full; }

  void send(BlockId id, MessageType type, std::vector<std::byte> payload) {
    actions_.emplace_back(Send{id, static_cast<std::uint8_t>(type), std::move(payload)});
  }

  void drop(BlockId id, DropReason reason, bool by_peer) {
    const auto found = blocks_.find(id);
    Account account = found->second.sifted.account;
    if (found->second.sifted.tested() >= tested_to_show) last_test_qber_ = account.test_qber();
    blocks_.erase(found);
    dropped_.add(id);
    std::erase_if(sifts_, [&](const Sift& sift) { return sift.block == id; });
    ++figures_.blocks_dropped;
    auto text = drop_text(reason, account, by_peer);
    actions_.emplace_back(Dropped{id, reason, by_peer, std::move(text), account});
  }

  void drop_and_tell(BlockId id, DropReason reason) {
    send(id, MessageType::drop, encode(reason));
    drop(id, reason, false);
  }

  Result<> on_sift_reply(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto sift = std::ranges::find(sifts_, id, &Sift::block);
    if (sift == sifts_.end()) return malformed(id, MessageType::sift_reply);
    const auto reply = decode_sift_reply(payload, sift->bases, intensity_count(parameters_.bound));
    if (!reply) return malformed(id, MessageType::sift_reply);
    if (reply->known) {
      crypto::log_secret("raw bits", sift->bits.expose_bytes());
      const Sifted sifted = distill::sift(sift->bits, sift->bases, *reply);
      block.sifted.add(sifted);
      figures_.sifted_bits += sifted.key.size_bits();
    }
    sifts_.erase(sift);
    if (clearly_noisy(block.sifted)) {
      drop_and_tell(id, DropReason::qber_above_limit);
      return {};
    }
    if (block.sifted.bits.size_bits() >= parameters_.block_bits) block.full = true;
    const bool all_answered = std::ranges::find(sifts_, id, &Sift::block) == sifts_.end();
    if (block.full && all_answered && !block.corrector) begin_reconciliation(id, block);
    return {};
  }

  [[nodiscard]] bool clearly_noisy(const SiftedBlock& sifted) const {
    if (sifted.tested() < tested_to_judge) return false;
    const double qber = sifted.account.test_qber();
    return qber - parameters_.qber_limit >
           clearly * std::sqrt(qber * (1 - qber) / static_cast<double>(sifted.tested()));
  }

  void begin_reconciliation(BlockId id, Block& block) {
    if (block.sifted.account.test_qber() > parameters_.qber_limit)
      return drop_and_tell(id, DropReason::qber_above_limit);
    crypto::log_secret("sifted bits", block.sifted.bits.expose_bytes());
    FullMessage full{.bits = block.sifted.bits.size_bits(), .seed = 0};
    random_.fill(std::as_writable_bytes(std::span{&full.seed, 1}));
    send(id, MessageType::full, encode(full));
    const double tested = block.sifted.tested() >= tested_to_show ? block.sifted.account.test_qber() : qber_guess;
    // This block's own test, or the last block's key basis where that was worse: too low a guess costs far more rounds
    // than too high a one costs parities.
    block.corrector.emplace(block.sifted.bits, full.seed, std::max(tested, figures_.last_qber.value_or(0)));
    reconcile(id, block);
  }

  void reconcile(BlockId id, Block& block) {
    const auto step = block.corrector->next_step();
    if (step.failed) return drop_and_tell(id, DropReason::reconciliation_failed);
    if (step.done) {
      block.awaiting = Awaiting::verify;
      return send(id, MessageType::reconciled, {});
    }
    if (step.pass_block_words) {
      block.awaiting = Awaiting::parities;
      return send(id, MessageType::pass, encode_pass(*step.pass_block_words));
    }
    block.awaiting = Awaiting::answers;
    send(id, MessageType::ask, encode(step.questions));
  }

  Result<> on_parities(BlockId id, Block& block, MessageType kind, std::span<const std::byte> payload) {
    const bool top = kind == MessageType::parities;
    if (block.awaiting != (top ? Awaiting::parities : Awaiting::answers)) return malformed(id, kind);
    const auto bits = decode_bits(payload);
    if (!bits || !(top ? block.corrector->on_pass_parities(*bits) : block.corrector->on_answers(*bits)))
      return malformed(id, kind);
    block.sifted.account.parity_bits += bits->size();
    // The errors that were found are a bound below: beyond the limit there is no point in going on.
    if (static_cast<double>(block.corrector->corrections()) >
        2 * parameters_.qber_limit * static_cast<double>(block.sifted.bits.size_bits())) {
      drop_and_tell(id, DropReason::qber_above_limit);
      return {};
    }
    reconcile(id, block);
    return {};
  }

  Result<> on_verify(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto message = decode_verify(payload);
    if (!message || block.awaiting != Awaiting::verify) return malformed(id, MessageType::verify);
    block.sifted.account.verification_bits += 8 * message->hash.size();
    const auto hash =
        crypto::verification_hash(message->key, block.sifted.bits.expose(), block.sifted.bits.size_bits());
    VerdictMessage verdict{.equal = hash == message->hash, .key = {}, .test = {}};
    if (!verdict.equal) {
      send(id, MessageType::verdict, encode(verdict));
      drop(id, DropReason::verification_failed, false);
      return {};
    }
    count_errors(block);
    verdict.key = block.sifted.account.key;
    verdict.test = block.sifted.account.test;
    if (block.sifted.account.key_qber() > parameters_.qber_limit) {
      drop_and_tell(id, DropReason::qber_above_limit);
      return {};
    }
    block.sifted.account = with_secret_length(block.sifted.account);
    block.awaiting = Awaiting::amplify;
    send(id, MessageType::verdict, encode(verdict));
    return {};
  }

  /// A bit that was corrected twice was right; the verified block says which were wrong at first.
  static void count_errors(Block& block) {
    auto flipped = block.corrector->corrected();
    std::ranges::sort(flipped);
    for (auto bit = flipped.begin(); bit != flipped.end();) {
      const auto next = std::find_if(bit, flipped.end(), [at = *bit](std::size_t other) { return other != at; });
      if ((next - bit) % 2 == 1) ++block.sifted.account.key.m[block.sifted.intensity(*bit)];
      bit = next;
    }
    block.sifted.account.key_errors_known = true;
  }

  Result<> on_amplify(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto message = decode_amplify(payload, block.sifted.bits.size_bits());
    const Account& account = block.sifted.account;
    if (!message || block.awaiting != Awaiting::amplify || message->length_bits != account.length_bits ||
        message->errors != account.key.m || account.length_bits < length_bits_min) {
      return malformed(id, MessageType::amplify);
    }
    crypto::log_secret("corrected bits", block.sifted.bits.expose_bytes());
    auto key = crypto::toeplitz_hash(block.sifted.bits, message->seed, account.length_bits);
    crypto::log_secret("amplified bits", key.expose_bytes());
    if (!Confirmation{key}.matches(message->confirmation))
      return fail(std::format("block {}: the two boxes amplified it to different keys", id.value));
    figures_.secret_bits += key.size_bits();
    figures_.last_qber = account.key_qber();
    last_test_qber_ = account.test_qber();
    ++figures_.blocks_amplified;
    Amplified amplified{id, std::move(key), account};
    blocks_.erase(id);
    actions_.emplace_back(std::move(amplified));
    return {};
  }

  Parameters parameters_;
  crypto::Random& random_;
  bool running_ = false;
  BlockId next_{1};
  std::map<BlockId, Block> blocks_;
  DroppedBlocks dropped_;
  std::deque<Sift> sifts_;
  std::deque<Action> actions_;
  Figures figures_;
  std::optional<double> last_test_qber_;
};

}  // namespace

std::unique_ptr<Chain> make_bob_chain(const Parameters& parameters, crypto::Random& random) {
  return std::make_unique<BobChain>(parameters, random);
}

}  // namespace cloister::distill
