#include "tests/attack/later_break/recording.hpp"

#include <catch2/catch_test_macros.hpp>
#include <optional>

#include "appliance/session/frame.hpp"
#include "appliance/wire/reader.hpp"

namespace cloister::attack {
namespace {

/// One direction's frames of a block that wait for the other's.
struct HalfRead {
  std::vector<distill::SiftMessage> sifts;
  std::vector<std::vector<std::byte>> replies;
};

class Reader {
 public:
  explicit Reader(const distill::Parameters& parameters) : parameters_{parameters} {}

  void direction(std::size_t from, std::span<const std::byte> bytes) {
    session::FrameStream stream;
    stream.feed(bytes);
    while (true) {
      const auto frame = stream.next(session::frame_bytes_max);
      REQUIRE(frame);
      if (!*frame) break;
      body(from, **frame);
    }
    REQUIRE(stream.waiting_bytes() == 0);
  }

  Talk finish() {
    for (auto& [id, half] : halves_) {
      auto& block = talk_.blocks[id];
      REQUIRE(half.replies.size() <= half.sifts.size());
      for (std::size_t i = 0; i < half.replies.size(); ++i) {
        const auto reply = distill::decode_sift_reply(half.replies[i], half.sifts[i].bases,
                                                      distill::intensity_count(parameters_.bound));
        REQUIRE(reply);
        block.sifts.push_back({std::move(half.sifts[i]), *reply});
      }
    }
    std::erase_if(talk_.blocks, [](const auto& entry) {
      const BlockTalk& block = entry.second;
      return !block.amplify || block.notes[0].empty() || block.notes[1].empty();
    });
    for (const auto& offer : offers_) {
      for (const auto& accept : accepts_) {
        if (accept.epoch == offer.epoch) talk_.rekeys.push_back({offer, accept});
      }
    }
    return std::move(talk_);
  }

 private:
  /// The MACs, from the first frame after the bootstrap on, are no hindrance to who only listens.
  void body(std::size_t from, std::span<const std::byte> frame) {
    using session::FrameKind;
    auto plain = session::decode_body(frame);
    REQUIRE(plain);
    if (plain->kind == FrameKind::greeting || plain->kind == FrameKind::bootstrap) {
      talk_.handshake.insert(talk_.handshake.end(), plain->payload.begin(), plain->payload.end());
      return;
    }
    plain = session::decode_body(frame.first(frame.size() - session::frame_mac_bytes));
    REQUIRE(plain);
    if (plain->kind == FrameKind::block) return on_block(*plain);
    constexpr std::uint8_t of_a_tunnel = 1;
    if (plain->kind == FrameKind::message && plain->type == of_a_tunnel) return on_message(plain->payload);
    if (plain->kind == FrameKind::close)
      talk_.blocks[plain->block].notes.at(from).assign(plain->payload.begin(), plain->payload.end());
  }

  void on_block(const session::Frame& frame) {
    using distill::MessageType;
    auto& block = talk_.blocks[frame.block];
    const auto& bytes = frame.payload;
    switch (static_cast<MessageType>(frame.type)) {
      case MessageType::sift:
        return halves_[frame.block].sifts.push_back(distill::decode_sift(bytes).value());
      case MessageType::sift_reply:
        return halves_[frame.block].replies.push_back({bytes.begin(), bytes.end()});
      case MessageType::full:
        block.full = distill::decode_full(bytes).value();
        return;
      case MessageType::pass:
        return block.passes.push_back(distill::decode_pass(bytes).value());
      case MessageType::ask:
        return block.questions.push_back(distill::decode_questions(bytes).value());
      case MessageType::parities:
        return block.parities.push_back(distill::decode_bits(bytes).value());
      case MessageType::answers:
        return block.answers.push_back(distill::decode_bits(bytes).value());
      case MessageType::verify:
        block.verify = distill::decode_verify(bytes);
        talk_.draws.emplace_back(frame.block, MessageType::verify);
        return;
      case MessageType::verdict:
        block.verdict = distill::decode_verdict(bytes);
        return;
      case MessageType::amplify:
        amplify(frame.block, bytes);
        return;
      case MessageType::reconciled:
      case MessageType::drop:
        return;
    }
  }

  /// Alice's direction is read after Bob's, so the block's length has been heard.
  void amplify(wire::BlockId id, std::span<const std::byte> bytes) {
    talk_.blocks[id].amplify = distill::decode_amplify(bytes, talk_.blocks[id].full.bits);
    REQUIRE(talk_.blocks[id].amplify);
    talk_.draws.emplace_back(id, distill::MessageType::amplify);
  }

  void on_message(std::span<const std::byte> payload) {
    wire::Reader in{payload};
    const auto tunnel = in.tunnel_id();
    const auto type = in.u8();
    REQUIRE((tunnel && type));
    const auto message = vpn::decode_rekey(*type, in.rest(), false);
    REQUIRE(message);
    if (const auto* offer = std::get_if<vpn::Offer>(&*message)) offers_.push_back(*offer);
    if (const auto* accept = std::get_if<vpn::Accept>(&*message)) accepts_.push_back(*accept);
  }

  distill::Parameters parameters_;
  Talk talk_;
  std::map<wire::BlockId, HalfRead> halves_;
  std::vector<vpn::Offer> offers_;
  std::vector<vpn::Accept> accepts_;
};

}  // namespace

std::uint64_t BlockTalk::parity_bits() const {
  std::uint64_t bits = 0;
  for (const auto* told : {&parities, &answers}) {
    for (const auto& message : *told) bits += message.size();
  }
  return bits;
}

Talk read(const Recording& recording, const distill::Parameters& parameters) {
  Reader reader{parameters};
  for (const std::size_t box : {1U, 0U}) reader.direction(box, recording.channel[box]);
  return reader.finish();
}

}  // namespace cloister::attack
