#include "appliance/drivers/unit_limit.hpp"

#include <systemd/sd-bus.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace cloister::drivers {
namespace {

constexpr const char* manager = "org.freedesktop.systemd1";
constexpr std::uint64_t patience_microseconds = 2'000'000;

struct Close {
  void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
  void operator()(char* text) const { std::free(text); }
};
using Text = std::unique_ptr<char, Close>;

}  // namespace

std::optional<std::uint64_t> lockable_bytes_of_unit(const std::string& unit) {
  sd_bus* opened = nullptr;
  if (::sd_bus_open_system(&opened) < 0) return std::nullopt;
  const std::unique_ptr<sd_bus, Close> bus{opened};
  ::sd_bus_set_method_call_timeout(bus.get(), patience_microseconds);
  char* encoded = nullptr;
  if (::sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &encoded) < 0) return std::nullopt;
  const Text path{encoded};
  char* said = nullptr;
  if (::sd_bus_get_property_string(bus.get(), manager, path.get(), "org.freedesktop.systemd1.Unit", "LoadState",
                                   nullptr, &said) < 0)
    return std::nullopt;
  const Text state{said};
  std::uint64_t bytes = 0;
  if (std::string_view{state.get()} != "loaded" ||
      ::sd_bus_get_property_trivial(bus.get(), manager, path.get(), "org.freedesktop.systemd1.Service", "LimitMEMLOCK",
                                    nullptr, 't', &bytes) < 0)
    return std::nullopt;
  return bytes;
}

}  // namespace cloister::drivers
