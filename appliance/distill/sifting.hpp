#pragma once
/// Sifting of one frame, on words of 64 detections.
///
///   Bob      frame ─▶ Watched ─▶ SIFT ────────▶ Alice: symbols ─▶ Sent ─▶ her answer
///            Sifted ◀─ sift(his bits, answer)        Sifted ◀─ sift(her bits, answer)
///
/// Both boxes make what they keep by the same function from their own bits and the same two messages.

#include <array>
#include <span>

#include "appliance/distill/observation.hpp"
#include "appliance/distill/sift_messages.hpp"
#include "crypto/bits.hpp"
#include "hal/frame.hpp"

namespace cloister::distill {

/// What one frame adds to a block.
struct Sifted {
  crypto::SecretBits key;  // of the key basis
  BitString decoys;        // of each: not the signal
  BitString weaker;        // of each: the second decoy
  BasisCounts test;
};

/// Bob: what he tells of a frame, and his bits of all of it.
struct Watched {
  SiftMessage message;
  crypto::SecretBits bits;
};
[[nodiscard]] Watched watched(const hal::DetectionFrame& frame);

/// Alice: her answer, and her bits of all detections. A symbol whose intensity is none of the protocol's `intensities`
/// is not kept: she names the other basis for it.
struct Answer {
  SiftReply reply;
  crypto::SecretBits bits;
};
[[nodiscard]] Answer answer(const SiftMessage& message, std::span<const hal::Symbol> symbols, std::size_t intensities);

[[nodiscard]] Sifted sift(const crypto::SecretBits& bits, const BitString& bobs_bases, const SiftReply& reply);

/// Signals, decoys and second decoys, from how many there are of all, not signals, and second decoys.
[[nodiscard]] std::array<std::uint64_t, intensities_max> counts_by_intensity(std::size_t all, std::size_t decoys,
                                                                             std::size_t weaker);

}  // namespace cloister::distill
