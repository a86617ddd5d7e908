#pragma once
/// Positions of rare events in few bits: gaps by the code of Golomb (IEEE Trans. Inf. Theory 12, 399 (1966)) and Rice.
///
///   width u8 │ the low `width` bits of every gap, packed │ bytes of the rest, varint │ for each gap: its upper bits in
///                                                                                    unary, as zeros and a one
///
/// A gap is what lies between two events. Where each slot has an event with the same probability, gaps are geometric,
/// and the code with the best width is 0.03 bits above their entropy where events are rare and 3 % above it where every
/// other slot has one. Both streams are of plain words: no step waits for the length of the one before.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "appliance/distill/bit_string.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::distill {

/// Ascending positions above `before`, the position before the first.
void put_positions(wire::Writer& out, std::span<const std::uint64_t> positions, std::uint64_t before);
/// Fills `positions`. False when the bytes are not so many positions, or one is above `last_max`, which is at most 2^62.
[[nodiscard]] bool take_positions(wire::Reader& in, std::span<std::uint64_t> positions, std::uint64_t before,
                                  std::uint64_t last_max);

/// A string in which one value is rarer than the other: which (u8, 1 where ones are common), how often (varint), where.
void put_biased(wire::Writer& out, const BitString& bits);
[[nodiscard]] std::optional<BitString> take_biased(wire::Reader& in, std::size_t size);

}  // namespace cloister::distill
