#pragma once
/// The thread that owns a link's device and chain: detections are distilled here, away from the I/O thread.
///
///   device ─▶ watch ─▶ chain ─▶ quarantine ─▶ actions ──post──▶ I/O thread (Link)       Link ──post──▶ messages, start, stop

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "appliance/box/key_maker.hpp"
#include "crypto/random.hpp"
#include "hal/device.hpp"

namespace cloister::box {

/// How to open the link's device; one of the two is set.
struct DeviceFactory {
  std::function<Result<std::unique_ptr<hal::Transmitter>>(crypto::Random&)> transmitter;
  std::function<Result<std::unique_ptr<hal::Receiver>>()> receiver;
};

class Distillery final : public KeyMaker {
 public:
  /// `quarantine`: how long the watch must have found nothing before a block is given away.
  Distillery(boost::asio::io_context& io, distill::Parameters parameters, DeviceFactory factory,
             std::chrono::milliseconds quarantine, Handlers handlers);
  ~Distillery() override;  // joins the thread
  Distillery(const Distillery&) = delete;
  Distillery& operator=(const Distillery&) = delete;

  void start(std::uint64_t generation, wire::BlockId first) override;
  void stop() override;
  void deliver(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
               std::vector<std::byte> payload) override;
  void block_held(std::uint64_t generation, wire::BlockId block) override;
  void demand(bool) override {}  // light comes as it comes

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cloister::box
