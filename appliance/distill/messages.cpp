#include "appliance/distill/messages.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "crypto/toeplitz.hpp"

namespace cloister::distill {
std::vector<std::byte> encode(const FullMessage& message) {
  wire::Writer out;
  out.u64(message.bits).u64(message.seed);
  return std::move(out).take();
}

std::optional<FullMessage> decode_full(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto bits = in.u64();
  const auto seed = in.u64();
  if (!bits || !seed || !in.at_end()) return std::nullopt;
  return FullMessage{*bits, *seed};
}

std::vector<std::byte> encode_pass(std::uint32_t block_words) {
  wire::Writer out;
  out.u32(block_words);
  return std::move(out).take();
}

std::optional<std::uint32_t> decode_pass(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto block_words = in.u32();
  if (!block_words || *block_words == 0 || !in.at_end()) return std::nullopt;
  return block_words;
}

// A question is five bytes, least significant first: 3 bits of pass, 6 of lane, 5 of the logarithm of its length in
// words, 21 of its first word. Cascade asks for powers of two only.
namespace {
constexpr std::size_t question_bytes = 5;
static_assert(std::endian::native == std::endian::little, "bytes of a word lie in the order of the wire");
constexpr unsigned lane_at = 3;
constexpr unsigned length_at = lane_at + 6;
constexpr unsigned first_at = length_at + 5;
constexpr unsigned question_bits = first_at + 21;
static_assert(cascade_passes_max <= 1U << lane_at && block_bits_max / 64 <= 1U << (question_bits - first_at));
}  // namespace

std::vector<std::byte> encode(const std::vector<ParityQuestion>& questions) {
  wire::Writer out;
  out.varint(questions.size());
  std::vector<std::byte> packed = std::move(out).take();
  std::size_t at = packed.size();
  packed.resize(at + questions.size() * question_bytes);
  for (const auto& [pass, range] : questions) {
    const std::uint32_t length = range.last - range.first;
    const std::uint64_t word = pass | (std::uint64_t{range.lane} << lane_at) |
                               (static_cast<std::uint64_t>(std::countr_zero(length)) << length_at) |
                               (std::uint64_t{range.first} << first_at);
    std::memcpy(packed.data() + at, &word, question_bytes);
    at += question_bytes;
  }
  return packed;
}

std::optional<std::vector<ParityQuestion>> decode_questions(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto count = in.varint();
  if (!count || *count == 0 || *count > cascade_questions_max) return std::nullopt;
  const auto packed = in.bytes(*count * question_bytes);
  if (!packed || !in.at_end()) return std::nullopt;
  std::vector<ParityQuestion> questions(*count);
  const std::byte* from = packed->data();
  for (auto& question : questions) {
    std::uint32_t low = 0;
    std::memcpy(&low, from, sizeof low);
    const std::uint64_t word = low | (std::to_integer<std::uint64_t>(from[sizeof low]) << 32U);
    from += question_bytes;
    const unsigned length_log = (word >> length_at) & 31U;
    if (word >> question_bits != 0 || length_log > question_bits - first_at) return std::nullopt;
    const auto first = static_cast<std::uint32_t>(word >> first_at);
    question = {static_cast<std::uint8_t>(word & 7U),
                {static_cast<std::uint8_t>((word >> lane_at) & 63U), first, first + (1U << length_log)}};
  }
  return questions;
}

std::vector<std::byte> encode_bits(const BitString& bits) {
  wire::Writer out;
  out.varint(bits.size()).bytes(bits.packed());
  return std::move(out).take();
}

std::optional<BitString> decode_bits(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto count = in.varint();
  if (!count || *count > block_bits_max) return std::nullopt;
  const auto bytes = in.bytes((*count + 7) / 8);
  if (!bytes || !in.at_end()) return std::nullopt;
  return BitString::unpacked(*bytes, *count);
}

std::vector<std::byte> encode(const VerifyMessage& message) {
  wire::Writer out;
  out.bytes(message.key.key).bytes(message.hash);
  return std::move(out).take();
}

std::optional<VerifyMessage> decode_verify(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  VerifyMessage message{};
  const auto key = in.bytes(message.key.key.size());
  const auto hash = in.bytes(message.hash.size());
  if (!key || !hash || !in.at_end()) return std::nullopt;
  std::ranges::copy(*key, message.key.key.begin());
  std::ranges::copy(*hash, message.hash.begin());
  return message;
}

std::vector<std::byte> encode(const VerdictMessage& message) {
  wire::Writer out;
  out.u8(message.equal ? 1 : 0);
  for (const BasisCounts* counts : {&message.key, &message.test}) {
    for (const auto count : counts->n) out.u64(count);
    for (const auto count : counts->m) out.u64(count);
  }
  return std::move(out).take();
}

std::optional<VerdictMessage> decode_verdict(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  VerdictMessage message;
  const auto equal = in.u8();
  if (!equal || *equal > 1) return std::nullopt;
  message.equal = *equal == 1;
  for (BasisCounts* counts : {&message.key, &message.test}) {
    for (auto* values : {&counts->n, &counts->m}) {
      for (auto& value : *values) {
        const auto count = in.u64();
        if (!count) return std::nullopt;
        value = *count;
      }
    }
  }
  return in.at_end() ? std::optional{message} : std::nullopt;
}

std::vector<std::byte> encode(const AmplifyMessage& message) {
  wire::Writer out;
  out.u64(message.length_bits);
  for (const auto count : message.errors) out.u64(count);
  out.bytes(message.confirmation);
  out.u64s(message.seed);
  return std::move(out).take();
}

std::optional<AmplifyMessage> decode_amplify(std::span<const std::byte> payload, std::size_t bits) {
  wire::Reader in{payload};
  const auto length = in.u64();
  if (!length || *length == 0 || *length > bits) return std::nullopt;
  AmplifyMessage message{.length_bits = *length, .errors = {}, .confirmation = {}, .seed = {}};
  for (auto& errors : message.errors) {
    const auto count = in.u64();
    if (!count) return std::nullopt;
    errors = *count;
  }
  const auto confirmation = in.bytes(message.confirmation.size());
  if (!confirmation) return std::nullopt;
  std::ranges::copy(*confirmation, message.confirmation.begin());
  const std::size_t words = (crypto::toeplitz_seed_bits(bits, *length) + 63) / 64;
  if (in.remaining() != words * sizeof(std::uint64_t)) return std::nullopt;  // before there is room for them
  message.seed.resize(words);
  if (!in.u64s(message.seed)) return std::nullopt;
  return message;
}

std::vector<std::byte> encode(DropReason reason) {
  wire::Writer out;
  out.u8(static_cast<std::uint8_t>(reason));
  return std::move(out).take();
}

std::optional<DropReason> decode_drop(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto reason = in.u8();
  if (!reason || *reason > static_cast<std::uint8_t>(DropReason::device_suspect) || !in.at_end()) return std::nullopt;
  return static_cast<DropReason>(*reason);
}

}  // namespace cloister::distill
