#pragma once
/// Waits until one of several descriptors is readable, or it is time to stop (epoll).

#include <array>
#include <cstddef>
#include <span>

#include "appliance/drivers/file_descriptor.hpp"

namespace cloister::drivers {

class Readiness {
 public:
  /// `stop_event` becomes readable, and stays so, when it is time to stop.
  explicit Readiness(int stop_event);
  void add(int descriptor, std::size_t index);
  /// For a descriptor that is broken: it would be "readable" for ever.
  void remove(int descriptor);
  /// The indices of those that are readable, a limited number at a time; none when it is time to stop.
  [[nodiscard]] std::span<const std::size_t> wait();

 private:
  static constexpr std::size_t ready_max = 64;
  FileDescriptor epoll_;
  std::array<std::size_t, ready_max> ready_{};
};

}  // namespace cloister::drivers
