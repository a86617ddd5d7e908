#pragma once
/// The thread that owns a link's client of a KME, and its chain of finished keys:
///
///   KME ◀─ client ─▶ chain ─▶ actions ──post──▶ I/O thread (Link)          Link ──post──▶ messages, start, stop, demand
///
/// One fetch at a time. Alice fetches while there is demand, and waits after whatever went wrong, here or at the peer; Bob
/// fetches what Alice has offered, a few times, and then lets the block go.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "appliance/box/key_maker.hpp"
#include "hal/etsi014/client.hpp"

namespace cloister::box {

/// Where a link's finished keys come from, and how many make a block.
struct KeySource {
  hal::etsi014::KmeSettings kme;
  bool alice = false;
  std::uint32_t keys_of_block = 0;
};

class Collector final : public KeyMaker {
 public:
  Collector(boost::asio::io_context& io, KeySource source, Handlers handlers);
  ~Collector() override;  // joins the thread
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void start(std::uint64_t generation, wire::BlockId first) override;
  void stop() override;
  void deliver(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
               std::vector<std::byte> payload) override;
  void block_held(std::uint64_t, wire::BlockId) override {}  // it makes one at a time
  void demand(bool wanted) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cloister::box
