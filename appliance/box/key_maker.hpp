#pragma once
/// What makes a link's blocks, on a thread of its own: the distillery, of a device's light, or the collector, of keys that
/// others have made. A link has one of them, and knows no more of it than this.
///
/// A generation names a session: what was made for one session is not taken for another's.

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "hal/device.hpp"

namespace cloister::box {

struct DeviceReport {
  bool present = false;
  std::string state;
  hal::Telemetry telemetry;
};

class KeyMaker {
 public:
  /// Called on the I/O context.
  struct Handlers {
    std::function<void(std::uint64_t generation, distill::Action)> action;
    std::function<void(std::uint64_t generation, const std::string& what)> protocol_error;
    std::function<void(distill::Figures, DeviceReport)> figures;  // about four times a second
    std::function<void(const std::string& problem)> device_lost;  // once per outage, or what it is said to be
    std::function<void()> device_found;
    std::function<void(const std::string& why)> device_suspect;  // once, until it is trusted again
    std::function<void()> device_trusted;
  };

  virtual ~KeyMaker() = default;

  virtual void start(std::uint64_t generation, wire::BlockId first) = 0;
  virtual void stop() = 0;
  virtual void deliver(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                       std::vector<std::byte> payload) = 0;
  /// The link has the block's key, on both boxes.
  virtual void block_held(std::uint64_t generation, wire::BlockId block) = 0;
  /// Whether a block has a use now.
  virtual void demand(bool wanted) = 0;
};

using KeyMakerFactory =
    std::function<std::unique_ptr<KeyMaker>(boost::asio::io_context& io, KeyMaker::Handlers handlers)>;

}  // namespace cloister::box
