#pragma once
/// The life of a vendor's library in its process: loaded, opened, asked for frames or symbols until the service says
/// stop. Nothing is checked here: this process is the library's, and the service believes none of it.

#include <expected>
#include <string>

#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {

/// The ring as this process has mapped it.
class Ring {
 public:
  explicit Ring(Header* header) : header_{header}, order_{header->order} {}
  [[nodiscard]] Header& header() const { return *header_; }
  [[nodiscard]] const Order& order() const { return order_; }
  [[nodiscard]] std::byte* body() const { return reinterpret_cast<std::byte*>(header_) + header_bytes; }
  void at(Step step) const { header_->step.store(static_cast<std::uint32_t>(step), std::memory_order_relaxed); }
  /// A call of the library has returned.
  void beat() const { header_->heartbeat.fetch_add(1, std::memory_order_relaxed); }

 private:
  Header* header_;
  Order order_;
};

/// Why this process ends, for a person; overwrites the library's own words only when it has none.
void say(Header& header, const char* text);

/// Until `stop`; an error in words otherwise. Install the second filter between `load` and `drive`.
[[nodiscard]] std::expected<const cloister_hal_driver*, std::string> load(const Ring& ring);
[[nodiscard]] std::expected<void, std::string> drive(const Ring& ring, const cloister_hal_driver& driver);

}  // namespace cloister::hal::plugin
