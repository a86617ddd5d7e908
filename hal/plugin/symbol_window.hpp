#pragma once
/// Look-ups in the ring of a transmitter's symbols, while another process writes on: a symbol counts only when it was
/// whole before and is not being overwritten after.

#include <span>

#include "crypto/error.hpp"
#include "hal/frame.hpp"
#include "hal/plugin/shared_ring.hpp"

namespace cloister::hal::plugin {

/// As SymbolSource::symbols: an error when the epoch is not the current one, a slot has not been sent, or its symbol is
/// no longer there. An intensity may be any of two bits.
[[nodiscard]] Result<> read_symbols(const SharedRing& ring, Epoch epoch, std::span<const Slot> slots,
                                    std::span<Symbol> out);

}  // namespace cloister::hal::plugin
