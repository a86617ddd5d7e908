#pragma once
/// SIFT and its answer, close to the entropy of what they tell: slots as gaps, biased choices by where the rarer one is.
///
///   SIFT         epoch u32 │ count varint │ first slot varint │ the other slots, as positions │ bases, biased (X is one)
///                │ test bits, one for each detection in X
///   SIFT_REPLY   known u8 │ Alice's bases, biased │ of each kept one: not the signal, biased │ with two decoys, of each
///                of those: the weaker, biased │ of each kept one in X: Bob's test bit is wrong, biased
///
/// A detection is kept where both bases are the same. gap_code.hpp has the codes.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "appliance/distill/bit_string.hpp"
#include "hal/frame.hpp"

namespace cloister::distill {

/// Detections of one SIFT, at most; a frame with more is cut.
inline constexpr std::size_t sift_detections_max = std::size_t{1} << 18U;

struct SiftMessage {
  hal::Epoch epoch = 0;
  std::vector<hal::Slot> slots;  // ascending
  BitString bases;               // one: X
  BitString test_bits;           // of the detections in X
};
struct SiftReply {
  bool known = false;     // the frame's symbols are still there; otherwise nothing follows
  BitString bases;        // hers, of each detection
  BitString decoys;       // of each kept one: not the signal
  BitString weaker;       // of each decoy: the second one; all zero with one decoy
  BitString test_errors;  // of each kept one in X
};

/// Which detections are kept: the bases are the same.
[[nodiscard]] BitString kept(const BitString& bobs_bases, const BitString& alices_bases);

[[nodiscard]] std::vector<std::byte> encode(const SiftMessage& message);
[[nodiscard]] std::optional<SiftMessage> decode_sift(std::span<const std::byte> payload);
/// `intensities` is 2, or 3 with two decoys.
[[nodiscard]] std::vector<std::byte> encode(const SiftReply& message, std::size_t intensities);
/// `bases` are those of the SIFT that it answers.
[[nodiscard]] std::optional<SiftReply> decode_sift_reply(std::span<const std::byte> payload, const BitString& bases,
                                                         std::size_t intensities);

}  // namespace cloister::distill
