#include "appliance/distill/sifting.hpp"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "appliance/distill/gather.hpp"
#include "crypto/error.hpp"

namespace cloister::distill {
namespace {

constexpr std::size_t word_bits = 64;

BitString both(const BitString& one, const BitString& other) {
  BitString out{one.size()};
  for (std::size_t i = 0; i < out.words().size(); ++i) out.fill()[i] = one.words()[i] & other.words()[i];
  return out;
}

// Where a symbol's byte has what.
constexpr int bit_plane = 0;
constexpr int basis_plane = 1;
constexpr int intensity_plane = 2;  // two bits

/// Up to 64 symbols; what is missing is zero.
class SymbolWord {
 public:
  SymbolWord(const hal::Symbol* first, std::size_t count) { std::memcpy(bytes_.data(), first, count); }
  /// One bit of each byte.
  [[nodiscard]] std::uint64_t plane(int bit) const {
    std::uint64_t out = 0;
    for (unsigned part = 0; part < 4; ++part) {
      const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes_.data() + 16UZ * part));
      // SSE2, which every 64-bit processor has, gathers the highest bits.
      const auto bits = static_cast<std::uint16_t>(_mm_movemask_epi8(_mm_slli_epi16(bytes, 7 - bit)));
      out |= std::uint64_t{bits} << (16UZ * part);
    }
    return out;
  }

 private:
  std::array<std::byte, word_bits> bytes_{};
};

/// Slots, and of each word's detections which are in X and which are ones.
CLOISTER_WORDS void part(const hal::Detection* detections, std::size_t count, hal::Slot* slots, std::uint64_t* bases,
                         std::uint64_t* bits) {
  for (std::size_t first = 0; first < count; first += word_bits) {
    std::uint64_t in_x = 0;
    std::uint64_t ones = 0;
    for (std::size_t i = 0; i < std::min(word_bits, count - first); ++i) {
      const hal::Detection detection = detections[first + i];
      slots[first + i] = detection.slot;
      in_x |= std::uint64_t{detection.basis == hal::Basis::x} << i;
      ones |= std::uint64_t{detection.bit} << i;
    }
    bases[first / word_bits] = in_x;
    bits[first / word_bits] = ones;
  }
}

}  // namespace

Watched watched(const hal::DetectionFrame& frame) {
  const std::size_t count = frame.detections.size();
  Watched out{.message = {.epoch = frame.epoch,
                          .slots = std::vector<hal::Slot>(count),
                          .bases = BitString{count},
                          .test_bits = {}},
              .bits = crypto::SecretBits{count}};
  part(frame.detections.data(), count, out.message.slots.data(), out.message.bases.fill().data(),
       out.bits.fill().data());
  const auto tested = gather(out.bits, out.message.bases);
  out.message.test_bits = BitString{tested.size_bits()};
  std::ranges::copy(tested.expose(), out.message.test_bits.fill().begin());
  return out;
}

Answer answer(const SiftMessage& message, std::span<const hal::Symbol> symbols, std::size_t intensities) {
  const std::size_t count = symbols.size();
  require(count == message.slots.size(), "a symbol for each slot");
  Answer out{.reply = {.known = true, .bases = BitString{count}, .decoys = {}, .weaker = {}, .test_errors = {}},
             .bits = crypto::SecretBits{count}};
  BitString decoys{count};
  BitString weaker{count};
  for (std::size_t first = 0; first < count; first += word_bits) {
    const SymbolWord sent{symbols.data() + first, std::min(word_bits, count - first)};
    const std::size_t word = first / word_bits;
    const std::uint64_t low = sent.plane(intensity_plane);
    const std::uint64_t high = sent.plane(intensity_plane + 1);
    const std::uint64_t foreign = intensities == 3 ? low & high : high;
    const std::uint64_t bases = sent.plane(basis_plane);
    out.reply.bases.fill()[word] = (bases & ~foreign) | (~message.bases.words()[word] & foreign);
    out.bits.fill()[word] = sent.plane(bit_plane);
    decoys.fill()[word] = low | high;
    weaker.fill()[word] = high;
  }
  const BitString keep = kept(message.bases, out.reply.bases);
  out.reply.decoys = gather(decoys, keep);
  out.reply.weaker = gather(gather(weaker, keep), out.reply.decoys);
  // Of the detections in X those that are kept: her bits against his.
  const auto hers = gather(out.bits, both(message.bases, out.reply.bases));
  const auto his = gather(message.test_bits, gather(out.reply.bases, message.bases));
  out.reply.test_errors = BitString{his.size()};
  for (std::size_t i = 0; i < his.words().size(); ++i)
    out.reply.test_errors.fill()[i] = hers.expose()[i] ^ his.words()[i];
  return out;
}

Sifted sift(const crypto::SecretBits& bits, const BitString& bobs_bases, const SiftReply& reply) {
  const BitString keep = kept(bobs_bases, reply.bases);
  const BitString in_test = gather(bobs_bases, keep);  // of each kept one
  const BitString in_key = in_test.inverted();
  const BitString weaker = scatter(reply.weaker, reply.decoys);
  Sifted out{.key = gather(bits, both(keep, bobs_bases.inverted())),
             .decoys = gather(reply.decoys, in_key),
             .weaker = gather(weaker, in_key),
             .test = {}};
  const BitString test_decoys = gather(reply.decoys, in_test);
  const BitString test_weaker = gather(weaker, in_test);
  out.test.n = counts_by_intensity(test_decoys.size(), test_decoys.count(), test_weaker.count());
  out.test.m = counts_by_intensity(reply.test_errors.count(), count_both(reply.test_errors, test_decoys),
                                   count_both(reply.test_errors, test_weaker));
  return out;
}

std::array<std::uint64_t, intensities_max> counts_by_intensity(std::size_t all, std::size_t decoys,
                                                               std::size_t weaker) {
  return {all - decoys, decoys - weaker, weaker};
}

}  // namespace cloister::distill
