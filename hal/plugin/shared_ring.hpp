#pragma once
/// The service's end of the ring: made here, of a size that nobody can change, and wiped when it goes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "crypto/error.hpp"
#include "hal/plugin/ring.hpp"
#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::plugin {

class SharedRing {
 public:
  [[nodiscard]] static Result<SharedRing> make(const Order& order);
  SharedRing(SharedRing&&) noexcept = default;
  SharedRing& operator=(SharedRing&&) noexcept = default;
  SharedRing(const SharedRing&) = delete;
  SharedRing& operator=(const SharedRing&) = delete;
  ~SharedRing() = default;

  [[nodiscard]] int descriptor() const { return file_.get(); }
  [[nodiscard]] Header& header() const { return *reinterpret_cast<Header*>(memory_.get()); }
  [[nodiscard]] const Order& order() const { return order_; }
  /// Behind the header; the library's process may change it at any time.
  [[nodiscard]] std::span<const std::byte> body() const;

 private:
  struct Unmap {
    std::size_t bytes = 0;
    void operator()(std::byte* memory) const;
  };
  SharedRing(simulator::FileDescriptor file, std::unique_ptr<std::byte, Unmap> memory, const Order& order);

  simulator::FileDescriptor file_;
  std::unique_ptr<std::byte, Unmap> memory_;
  Order order_;  // ours, whatever stands in the shared copy
};

/// What the other process has written there, up to the first zero, with '?' for what is not printable ASCII.
[[nodiscard]] std::string text_of(const Text& shared);

}  // namespace cloister::hal::plugin
