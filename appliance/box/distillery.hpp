#pragma once
/// The thread that owns a link's device and chain: detections are distilled here, away from the I/O thread.
///
///   device ─▶ watch ─▶ chain ─▶ actions ──post──▶ I/O thread (Link)          Link ──post──▶ messages, start, stop
///
/// A generation names a session: what the chain made for one session is not taken for another's.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "crypto/random.hpp"
#include "hal/device.hpp"

namespace cloister::box {

struct DeviceReport {
  bool present = false;
  std::string state;
  hal::Telemetry telemetry;
};

/// How to open the link's device; one of the two is set.
struct DeviceFactory {
  std::function<Result<std::unique_ptr<hal::Transmitter>>(crypto::Random&)> transmitter;
  std::function<Result<std::unique_ptr<hal::Receiver>>()> receiver;
};

class Distillery {
 public:
  /// Called on the I/O context.
  struct Handlers {
    std::function<void(std::uint64_t generation, distill::Action)> action;
    std::function<void(std::uint64_t generation, const std::string& what)> protocol_error;
    std::function<void(distill::Figures, DeviceReport)> figures;  // about four times a second
    std::function<void(const std::string& problem)> device_lost;  // once per outage
    std::function<void()> device_found;
    std::function<void(const std::string& why)> device_suspect;  // once, until it is trusted again
    std::function<void()> device_trusted;
  };

  Distillery(boost::asio::io_context& io, distill::Parameters parameters, DeviceFactory factory, Handlers handlers);
  ~Distillery();  // joins the thread
  Distillery(const Distillery&) = delete;
  Distillery& operator=(const Distillery&) = delete;

  void start(std::uint64_t generation, wire::BlockId first);
  void stop();
  void deliver(std::uint64_t generation, wire::BlockId block, std::uint8_t type, std::vector<std::byte> payload);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cloister::box
