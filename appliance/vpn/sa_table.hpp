#pragma once
/// The SAs in use, read by the workers of the data plane without a lock, changed by the control thread.
///
///   control:  new version ─▶ published ─▶ waits until every reader has let go of the old one ─▶ old one wiped
///   worker:   Reader (a batch of packets) ─▶ what was published
///
/// A reader says when it begins and ends by a counter of its own: odd while it reads. Whoever takes something away
/// publishes first and then waits for each counter that is odd to change: a batch's time at most. (This is
/// quiescent-state reclamation as of McKenney's RCU.) So a retired key is gone when `retire_…` returns.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "appliance/vpn/esp.hpp"

namespace cloister::vpn {

class SaTable {
 public:
  struct Inbound {
    Inbound(std::size_t of_tunnel, Spi spi, SaKey key) : tunnel{of_tunnel}, sa{spi, std::move(key)} {}
    std::size_t tunnel;
    InboundSa sa;
  };

  /// Workers are counted from zero.
  SaTable(std::size_t tunnels, std::size_t workers);
  ~SaTable();
  SaTable(const SaTable&) = delete;
  SaTable& operator=(const SaTable&) = delete;

  void install_inbound(std::size_t tunnel, Spi spi, SaKey key);
  void install_outbound(std::size_t tunnel, Spi spi, SaKey key, std::uint64_t packets_max = sequence_end);
  void retire_inbound(Spi spi);
  void retire_outbound(std::size_t tunnel);
  /// An authentic packet has come under it.
  [[nodiscard]] bool heard(Spi spi);

  /// What it gives is valid while it lives. One at a time for each worker.
  class Reader {
   public:
    Reader(SaTable& table, std::size_t worker);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    /// The SA of that SPI or nullptr.
    [[nodiscard]] Inbound* inbound(Spi spi) const;
    /// The tunnel's sending SA or nullptr.
    [[nodiscard]] OutboundSa* outbound(std::size_t tunnel) const;

   private:
    SaTable& table_;
    std::atomic<std::uint64_t>& turn_;
  };

 private:
  /// Open addressing over twice as many slots as SAs.
  struct Index {
    struct Slot {
      std::uint32_t spi = 0;
      Inbound* sa = nullptr;
    };
    std::vector<Slot> slots;
  };
  struct alignas(64) Turn {
    std::atomic<std::uint64_t> count{0};
  };

  void publish_index();
  void replace_outbound(std::size_t tunnel, std::unique_ptr<OutboundSa> next);
  void wait_for_readers() const;

  std::mutex mutex_;                                 // of those who change
  std::map<Spi, std::unique_ptr<Inbound>> inbound_;  // guarded by mutex_
  std::atomic<const Index*> index_;
  std::vector<std::atomic<OutboundSa*>> outbound_;
  mutable std::vector<Turn> turns_;
};

}  // namespace cloister::vpn
