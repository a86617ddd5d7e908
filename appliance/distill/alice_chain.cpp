#include <algorithm>
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

class AliceChain final : public Chain {
 public:
  AliceChain(const Parameters& parameters, hal::SymbolSource& symbols, crypto::Random& random)
      : parameters_{parameters}, symbols_{symbols}, random_{random} {}

  void start(BlockId first) override {
    stop();
    next_ = first;
    running_ = true;
  }
  void stop() override {
    blocks_.clear();
    dropped_ = {};
    actions_.clear();
    running_ = false;
  }
  void on_frame(hal::DetectionFrame) override {}
  bool wants_frame() const override { return false; }
  /// A block that is suspect goes on until its end, so that it ends no sooner and no oftener than another, and then gives no key.
  void discard(const std::string& why) override {
    for (auto& [id, block] : blocks_) block.suspect = why;
  }

  Result<> on_message(BlockId id, std::uint8_t type, std::span<const std::byte> payload) override {
    if (!running_) return {};
    const auto kind = static_cast<MessageType>(type);
    auto found = blocks_.find(id);
    if (found == blocks_.end()) {
      if (dropped_.contains(id)) return {};  // the peer had not heard yet
      if (id < next_ && kind == MessageType::drop)
        return fail(std::format("the peer discarded block {} after it was amplified here", id.value));
      if (id < next_) return fail(std::format("the peer speaks of block {}, which is done", id.value));
      if (kind != MessageType::sift || blocks_.size() > open_blocks_max(parameters_))
        return fail(std::format("block {} may not begin", id.value));
      next_ = BlockId{id.value + 1};
      found = blocks_.emplace(id, Block{SiftedBlock{id, parameters_}, {}, {}, {}}).first;
    }
    Block& block = found->second;
    switch (kind) {
      case MessageType::sift:
        return on_sift(id, block, payload);
      case MessageType::full:
        return on_full(block, payload);
      case MessageType::pass:
        return on_pass(id, block, payload);
      case MessageType::ask:
        return on_ask(id, block, payload);
      case MessageType::reconciled:
        return on_reconciled(id, block, payload);
      case MessageType::verdict:
        return on_verdict(id, block, payload);
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

  std::optional<Action> next_action() override {
    if (actions_.empty()) return std::nullopt;
    Action action = std::move(actions_.front());
    actions_.pop_front();
    return action;
  }

  Figures figures() const override {
    Figures figures = figures_;
    if (!blocks_.empty()) {
      const auto& filling = blocks_.rbegin()->second.sifted;
      figures.filling_bits = filling.bits.size_bits();
      if (filling.tested() >= tested_to_show) figures.live_test_qber = filling.account.test_qber();
    }
    return figures;
  }

 private:
  static constexpr std::uint64_t tested_to_show = 500;

  struct Block {
    SiftedBlock sifted;
    std::optional<CascadeReference> reference;  // from FULL on
    bool hash_told = false;
    std::string suspect;  // why, where its transmitter is
  };

  static std::unexpected<Error> malformed(BlockId id, std::uint8_t type) {
    return fail(std::format("block {}: a message of type {} that cannot be", id.value, type));
  }
  static std::unexpected<Error> malformed(BlockId id, MessageType type) {
    return malformed(id, static_cast<std::uint8_t>(type));
  }

  void send(BlockId id, MessageType type, std::vector<std::byte> payload) {
    actions_.emplace_back(Send{id, static_cast<std::uint8_t>(type), std::move(payload)});
  }

  void drop(BlockId id, DropReason reason, bool by_peer) {
    const auto found = blocks_.find(id);
    Account account = found->second.sifted.account;
    blocks_.erase(found);
    dropped_.add(id);
    ++figures_.blocks_dropped;
    auto text = drop_text(reason, account, by_peer);
    actions_.emplace_back(Dropped{id, reason, by_peer, std::move(text), account});
  }

  Result<> on_sift(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto message = decode_sift(payload);
    if (!message || block.reference || block.sifted.bits.size_bits() + sift_detections_max > block_bits_max)
      return malformed(id, MessageType::sift);
    block.sifted.account.detections += message->slots.size();
    figures_.detections += message->slots.size();
    crypto::SecretVector<hal::Symbol> symbols(message->slots.size());
    // The fibre or the device may have restarted in between: then nobody knows what was in those slots. Or nobody vouches for them.
    if (!symbols_.symbols(message->epoch, message->slots, symbols)) {
      send(id, MessageType::sift_reply, encode(SiftReply{}, intensity_count(parameters_.bound)));
      return {};
    }
    const Answer told = answer(*message, symbols, intensity_count(parameters_.bound));
    const Sifted sifted = sift(told.bits, message->bases, told.reply);
    block.sifted.add(sifted);
    figures_.sifted_bits += sifted.key.size_bits();
    if (!message->slots.empty()) symbols_.release(message->epoch, message->slots.back() + 1);
    send(id, MessageType::sift_reply, encode(told.reply, intensity_count(parameters_.bound)));
    return {};
  }

  Result<> on_full(Block& block, std::span<const std::byte> payload) {
    const auto message = decode_full(payload);
    const BlockId id{block.sifted.account.block};
    if (!message || block.reference || message->bits != block.sifted.bits.size_bits() || message->bits == 0)
      return malformed(id, MessageType::full);
    crypto::log_secret("sifted bits", block.sifted.bits.expose_bytes());
    block.reference.emplace(block.sifted.bits.expose(), message->seed);
    return {};
  }

  Result<> on_pass(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto block_words = decode_pass(payload);
    if (!block_words || !block.reference || block.hash_told || *block_words > block.sifted.bits.expose().size())
      return malformed(id, MessageType::pass);
    const auto parities = block.reference->begin_pass(*block_words);
    if (parities.size() == 0) return malformed(id, MessageType::pass);
    block.sifted.account.parity_bits += parities.size();
    send(id, MessageType::parities, encode_bits(parities));
    return {};
  }

  Result<> on_ask(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto questions = decode_questions(payload);
    if (!questions || !block.reference || block.hash_told) return malformed(id, MessageType::ask);
    const auto answers = block.reference->answer(*questions);
    if (!answers) return malformed(id, MessageType::ask);
    block.sifted.account.parity_bits += answers->size();
    send(id, MessageType::answers, encode_bits(*answers));
    return {};
  }

  Result<> on_reconciled(BlockId id, Block& block, std::span<const std::byte> payload) {
    if (!payload.empty() || !block.reference || block.hash_told) return malformed(id, MessageType::reconciled);
    VerifyMessage message{};
    random_.fill(message.key.key);
    const auto& bits = block.sifted.bits;
    message.hash = crypto::verification_hash(message.key, bits.expose(), bits.size_bits());
    block.sifted.account.verification_bits += 8 * message.hash.size();
    block.hash_told = true;
    send(id, MessageType::verify, encode(message));
    return {};
  }

  Result<> on_verdict(BlockId id, Block& block, std::span<const std::byte> payload) {
    const auto message = decode_verdict(payload);
    if (!message || !block.hash_told) return malformed(id, MessageType::verdict);
    if (!message->equal) {
      send(id, MessageType::drop, encode(DropReason::verification_failed));  // in case the verdict was not Bob's
      drop(id, DropReason::verification_failed, true);
      return {};
    }
    if (message->key.n != block.sifted.account.key.n || message->test != block.sifted.account.test)
      return fail(std::format("block {}: the two boxes count differently what they sifted", id.value));
    for (std::size_t k = 0; k < intensities_max; ++k) {
      if (message->key.m[k] > message->key.n[k]) return malformed(id, MessageType::verdict);
    }
    block.sifted.account.key.m = message->key.m;
    block.sifted.account.key_errors_known = true;
    if (!block.suspect.empty()) {
      const std::string why = std::move(block.suspect);
      send(id, MessageType::drop, encode(DropReason::device_suspect));
      drop(id, DropReason::device_suspect, false);
      std::get<Dropped>(actions_.back()).text += ": " + why;
      return {};
    }
    const Account account = with_secret_length(block.sifted.account);
    block.sifted.account = account;
    if (account.length_bits < length_bits_min) {
      send(id, MessageType::drop, encode(DropReason::no_secret_key));
      drop(id, DropReason::no_secret_key, false);
      return {};
    }
    const std::size_t bits = block.sifted.bits.size_bits();
    AmplifyMessage amplify{
        .length_bits = account.length_bits,
        .errors = account.key.m,
        .confirmation = {},
        .seed = std::vector<std::uint64_t>((crypto::toeplitz_seed_bits(bits, account.length_bits) + 63) / 64)};
    random_.fill(std::as_writable_bytes(std::span{amplify.seed}));
    auto key = crypto::toeplitz_hash(block.sifted.bits, amplify.seed, account.length_bits);
    crypto::log_secret("amplified bits", key.expose_bytes());
    amplify.confirmation = Confirmation{key}.seal();
    send(id, MessageType::amplify, encode(amplify));
    figures_.secret_bits += key.size_bits();
    figures_.last_qber = account.key_qber();
    ++figures_.blocks_amplified;
    blocks_.erase(id);
    actions_.emplace_back(Amplified{id, std::move(key), account});
    return {};
  }

  Parameters parameters_;
  hal::SymbolSource& symbols_;
  crypto::Random& random_;
  bool running_ = false;
  BlockId next_{1};
  std::map<BlockId, Block> blocks_;
  DroppedBlocks dropped_;
  std::deque<Action> actions_;
  Figures figures_;
};

}  // namespace

std::unique_ptr<Chain> make_alice_chain(const Parameters& parameters, hal::SymbolSource& symbols,
                                        crypto::Random& random) {
  return std::make_unique<AliceChain>(parameters, symbols, random);
}

}  // namespace cloister::distill
