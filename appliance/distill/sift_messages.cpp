#include "appliance/distill/sift_messages.hpp"

#include "appliance/distill/gap_code.hpp"
#include "crypto/error.hpp"

namespace cloister::distill {

BitString kept(const BitString& bobs_bases, const BitString& alices_bases) {
  require(bobs_bases.size() == alices_bases.size(), "a basis of each box for each detection");
  BitString differ{bobs_bases.size()};
  for (std::size_t i = 0; i < differ.words().size(); ++i)
    differ.fill()[i] = bobs_bases.words()[i] ^ alices_bases.words()[i];
  return differ.inverted();
}

std::vector<std::byte> encode(const SiftMessage& message) {
  wire::Writer out;
  out.u32(message.epoch).varint(message.slots.size());
  if (!message.slots.empty()) {
    const hal::Slot first = message.slots.front();
    out.varint(first);
    put_positions(out, std::span{message.slots}.subspan(1), first);
  }
  put_biased(out, message.bases);
  out.bytes(message.test_bits.packed());
  return std::move(out).take();
}

std::optional<SiftMessage> decode_sift(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  SiftMessage message;
  const auto epoch = in.u32();
  const auto count = in.varint();
  if (!epoch || !count || *count > sift_detections_max) return std::nullopt;
  message.epoch = *epoch;
  if (*count > 0) {
    const auto first = in.varint();
    if (!first || *first > hal::slot_max) return std::nullopt;
    message.slots.resize(*count);
    message.slots.front() = *first;
    if (!take_positions(in, std::span{message.slots}.subspan(1), *first, hal::slot_max)) return std::nullopt;
  }
  auto bases = take_biased(in, *count);
  if (!bases) return std::nullopt;
  message.bases = std::move(*bases);
  const std::size_t tested = message.bases.count();
  const auto bytes = in.bytes((tested + 7) / 8);
  if (!bytes || !in.at_end()) return std::nullopt;
  auto test_bits = BitString::unpacked(*bytes, tested);
  if (!test_bits) return std::nullopt;
  message.test_bits = std::move(*test_bits);
  return message;
}

std::vector<std::byte> encode(const SiftReply& message, std::size_t intensities) {
  wire::Writer out;
  out.u8(message.known ? 1 : 0);
  if (!message.known) return std::move(out).take();
  put_biased(out, message.bases);
  put_biased(out, message.decoys);
  if (intensities == 3) put_biased(out, message.weaker);
  put_biased(out, message.test_errors);
  return std::move(out).take();
}

std::optional<SiftReply> decode_sift_reply(std::span<const std::byte> payload, const BitString& bases,
                                           std::size_t intensities) {
  wire::Reader in{payload};
  const auto known = in.u8();
  if (!known || *known > 1) return std::nullopt;
  SiftReply reply;
  reply.known = *known == 1;
  if (!reply.known) return in.at_end() ? std::optional{reply} : std::nullopt;
  auto hers = take_biased(in, bases.size());
  if (!hers) return std::nullopt;
  reply.bases = std::move(*hers);
  auto decoys = take_biased(in, kept(bases, reply.bases).count());
  if (!decoys) return std::nullopt;
  reply.decoys = std::move(*decoys);
  auto weaker =
      intensities == 3 ? take_biased(in, reply.decoys.count()) : std::optional{BitString{reply.decoys.count()}};
  // In X at both is kept and tested.
  auto errors = take_biased(in, count_both(bases, reply.bases));
  if (!weaker || !errors || !in.at_end()) return std::nullopt;
  reply.weaker = std::move(*weaker);
  reply.test_errors = std::move(*errors);
  return reply;
}

}  // namespace cloister::distill
