#include "appliance/distill/sifting.hpp"

#include <algorithm>
#include <array>

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

/// A plane of 64 detections: bit `plane` of each byte. Of each group of eight the product brings its bits together in
/// the highest byte: bit 8 i lands at 56 + i, and nothing is carried into it.
std::uint64_t plane_of(const std::array<std::uint64_t, 8>& bytes, unsigned plane) {
  std::uint64_t out = 0;
  for (unsigned group = 0; group < 8; ++group) {
    const std::uint64_t bits = (bytes[group] >> plane) & 0x0101010101010101U;
    out |= ((bits * 0x0102040810204080U) >> 56U) << (8 * group);
  }
  return out;
}

/// What `byte_of` says of each of up to 64 detections.
template <class Element, class ByteOf>
std::array<std::uint64_t, 8> bytes_of(const Element* first, std::size_t count, ByteOf byte_of) {
  std::array<std::uint64_t, 8> bytes{};
  if (count == word_bits) {
    for (unsigned group = 0; group < 8; ++group) {
      std::uint64_t word = 0;
      for (unsigned i = 0; i < 8; ++i) word |= byte_of(first[8 * group + i]) << (8 * i);
      bytes[group] = word;
    }
    return bytes;
  }
  for (std::size_t i = 0; i < count; ++i) bytes[i / 8] |= byte_of(first[i]) << (8 * (i % 8));
  return bytes;
}

constexpr unsigned basis_plane = 0;
constexpr unsigned bit_plane = 1;
constexpr unsigned intensity_plane = 2;  // two bits; 3 stands for all above

std::uint64_t byte_of_detection(const hal::Detection& detection) {
  return std::uint64_t{detection.basis == hal::Basis::x} << basis_plane | std::uint64_t{detection.bit != 0}
                                                                              << bit_plane;
}

std::uint64_t byte_of_symbol(const hal::Symbol& symbol) {
  return std::uint64_t{symbol.basis == hal::Basis::x} << basis_plane | std::uint64_t{symbol.bit != 0} << bit_plane |
         std::uint64_t{std::min<std::uint8_t>(symbol.intensity, 3)} << intensity_plane;
}

}  // namespace

Watched watched(const hal::DetectionFrame& frame) {
  const std::size_t count = frame.detections.size();
  Watched out{.message = {.epoch = frame.epoch,
                          .slots = std::vector<hal::Slot>(count),
                          .bases = BitString{count},
                          .test_bits = {}},
              .bits = crypto::SecretBits{count}};
  const hal::Detection* detections = frame.detections.data();
  hal::Slot* slots = out.message.slots.data();
  for (std::size_t i = 0; i < count; ++i) slots[i] = detections[i].slot;
  for (std::size_t first = 0; first < count; first += word_bits) {
    const auto bytes = bytes_of(detections + first, std::min(word_bits, count - first), byte_of_detection);
    out.message.bases.fill()[first / word_bits] = plane_of(bytes, basis_plane);
    out.bits.fill()[first / word_bits] = plane_of(bytes, bit_plane);
  }
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
    const auto bytes = bytes_of(symbols.data() + first, std::min(word_bits, count - first), byte_of_symbol);
    const std::size_t word = first / word_bits;
    const std::uint64_t low = plane_of(bytes, intensity_plane);
    const std::uint64_t high = plane_of(bytes, intensity_plane + 1);
    const std::uint64_t foreign = intensities == 3 ? low & high : high;
    const std::uint64_t bases = plane_of(bytes, basis_plane);
    out.reply.bases.fill()[word] = (bases & ~foreign) | (~message.bases.words()[word] & foreign);
    out.bits.fill()[word] = plane_of(bytes, bit_plane);
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
