#pragma once
/// Waits until one of several descriptors is readable, or somebody wakes it (epoll).

#include <array>
#include <cstddef>
#include <span>

#include "appliance/drivers/file_descriptor.hpp"

namespace cloister::drivers {

class Readiness {
 public:
  /// `wake_event` becomes readable when the one who waits is to look up.
  explicit Readiness(int wake_event);
  void add(int descriptor, std::size_t index);
  /// While it is off nobody is woken for that descriptor; what has come meanwhile wakes when it is on again. By any
  /// thread.
  void set(int descriptor, std::size_t index, bool on);
  /// For a descriptor that is broken: it would be "readable" for ever. One that is away already stays so.
  void remove(int descriptor);
  /// The indices of those that are readable, a limited number at a time; none when it was woken.
  [[nodiscard]] std::span<const std::size_t> wait();

 private:
  static constexpr std::size_t ready_max = 64;
  FileDescriptor epoll_;
  std::array<std::size_t, ready_max> ready_{};
};

}  // namespace cloister::drivers
