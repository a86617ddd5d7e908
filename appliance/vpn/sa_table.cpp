#include "appliance/vpn/sa_table.hpp"

#include <immintrin.h>
#include <sched.h>

#include <bit>

namespace cloister::vpn {
namespace {

constexpr int looks_before_yield = 10'000;  // some 100 µs, which a batch takes

/// SPIs are random, so their low bits spread them.
std::size_t home_of(std::uint32_t spi, std::size_t slots) { return spi & (slots - 1); }

}  // namespace

SaTable::SaTable(std::size_t tunnels, std::size_t workers)
    : index_{new Index{std::vector<Index::Slot>(2)}}, outbound_(tunnels), turns_(workers) {}

SaTable::~SaTable() {
  delete index_.load();
  for (auto& sa : outbound_) delete sa.load();
}

void SaTable::wait_for_readers() const {
  for (const auto& turn : turns_) {
    const std::uint64_t seen = turn.count.load();
    if (seen % 2 == 0) continue;  // it reads nothing now, and what it reads next is new
    for (int looks = 0; turn.count.load() == seen; ++looks) {
      if (looks < looks_before_yield)
        _mm_pause();
      else
        ::sched_yield();  // it is not on a processor
    }
  }
}

void SaTable::publish_index() {
  auto next = std::make_unique<Index>();
  next->slots.resize(std::bit_ceil(2 * inbound_.size() + 2));
  for (const auto& [spi, sa] : inbound_) {
    std::size_t at = home_of(spi.value, next->slots.size());
    while (next->slots[at].sa != nullptr) at = (at + 1) & (next->slots.size() - 1);
    next->slots[at] = {spi.value, sa.get()};
  }
  const std::unique_ptr<const Index> old{index_.exchange(next.release())};
  wait_for_readers();
}

void SaTable::install_inbound(std::size_t tunnel, Spi spi, SaKey key) {
  const std::scoped_lock lock{mutex_};
  auto fresh = std::make_unique<Inbound>(tunnel, spi, std::move(key));
  std::swap(inbound_[spi], fresh);
  publish_index();
}

void SaTable::retire_inbound(Spi spi) {
  const std::scoped_lock lock{mutex_};
  const auto retired = inbound_.extract(spi);
  if (!retired.empty()) publish_index();
}

bool SaTable::heard(Spi spi) {
  const std::scoped_lock lock{mutex_};
  const auto found = inbound_.find(spi);
  return found != inbound_.end() && found->second->sa.heard();
}

void SaTable::replace_outbound(std::size_t tunnel, std::unique_ptr<OutboundSa> next) {
  const std::scoped_lock lock{mutex_};
  const std::unique_ptr<OutboundSa> old{outbound_[tunnel].exchange(next.release())};
  if (old) wait_for_readers();
}

void SaTable::install_outbound(std::size_t tunnel, Spi spi, SaKey key, std::uint64_t packets_max) {
  replace_outbound(tunnel, std::make_unique<OutboundSa>(spi, std::move(key), 1, packets_max));
}

void SaTable::retire_outbound(std::size_t tunnel) { replace_outbound(tunnel, nullptr); }

SaTable::Reader::Reader(SaTable& table, std::size_t worker) : table_{table}, turn_{table.turns_[worker].count} {
  turn_.store(turn_.load(std::memory_order_relaxed) + 1);  // before anything is read: hence sequentially consistent
}

SaTable::Reader::~Reader() { turn_.store(turn_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

SaTable::Inbound* SaTable::Reader::inbound(Spi spi) const {
  const auto& slots = table_.index_.load()->slots;
  for (std::size_t at = home_of(spi.value, slots.size());; at = (at + 1) & (slots.size() - 1)) {
    if (slots[at].sa == nullptr || slots[at].spi == spi.value) return slots[at].sa;
  }
}

OutboundSa* SaTable::Reader::outbound(std::size_t tunnel) const { return table_.outbound_[tunnel].load(); }

}  // namespace cloister::vpn
