#include "hal/plugin/symbol_window.hpp"

#include <atomic>
#include <format>

namespace cloister::hal::plugin {

namespace {

std::uint8_t byte_at(std::span<const std::byte> symbols, std::size_t index) {
  // Another process writes here; the copy is taken once and checked by its position.
  return std::to_integer<std::uint8_t>(*static_cast<const volatile std::byte*>(&symbols[index]));
}

}  // namespace

Result<> read_symbols(const SharedRing& ring, Epoch epoch, std::span<const Slot> slots, std::span<Symbol> out) {
  const auto& header = ring.header();
  const auto window = ring.order().window_slots;
  const auto symbols = ring.body();
  if (header.epochs.load(std::memory_order_acquire) == 0 || header.epoch.load(std::memory_order_acquire) != epoch)
    return fail(std::format("epoch {} is not the transmitter's", epoch));
  const auto sent = header.sent.load(std::memory_order_acquire);
  Slot oldest = no_slot;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto slot = slots[i];
    if (slot >= sent) return fail(std::format("slot {} has not been sent, {} have", slot, sent));
    oldest = std::min(oldest, slot);
    const auto in_window = slot % window;
    const auto nibble = (unsigned{byte_at(symbols, in_window / 2)} >> (in_window % 2 * 4)) & 0xfU;
    out[i] = {static_cast<Basis>(nibble >> 1 & 1U), static_cast<std::uint8_t>(nibble & 1U),
              static_cast<std::uint8_t>(nibble >> 2)};
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const auto claimed = header.claimed.load(std::memory_order_acquire);
  if (claimed == no_slot || header.epoch.load(std::memory_order_acquire) != epoch)
    return fail(std::format("epoch {} ended", epoch));
  if (claimed > window && oldest < claimed - window)
    return fail(std::format("the symbol of slot {} has been overwritten, as all before {}", oldest, claimed - window));
  return {};
}

}  // namespace cloister::hal::plugin
