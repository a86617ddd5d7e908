#include "appliance/drivers/unit_limit.hpp"

#include <systemd/sd-bus.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace cloister::drivers {
namespace {

constexpr const char* manager = "org.freedesktop.systemd1";
constexpr std::uint64_t patience_microseconds = 2'000'000;

struct Close {
  void operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }
  void operator()(char* text) const { std::free(text); }
};
using Bus = std::unique_ptr<sd_bus, Close>;
using Text = std::unique_ptr<char, Close>;

/// The system's bus; or, where a machine has none, systemd's own socket, which is for root.
Bus open_bus() {
  sd_bus* opened = nullptr;
  if (::sd_bus_open_system(&opened) >= 0) return Bus{opened};
  if (::sd_bus_new(&opened) < 0) return nullptr;
  Bus direct{opened};
  const bool open =
      ::sd_bus_set_address(direct.get(), "unix:path=/run/systemd/private") >= 0 && ::sd_bus_start(direct.get()) >= 0;
  return open ? std::move(direct) : nullptr;
}

}  // namespace

std::optional<std::uint64_t> lockable_bytes_of_unit(const std::string& unit) {
  const Bus bus = open_bus();
  if (!bus) return std::nullopt;
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
      ::sd_bus_get_property_trivial(bus.get(), manager, path.get(), "org.freedesktop.systemd1.Service",
                                    "LimitMEMLOCKSoft", nullptr, 't', &bytes) < 0)
    return std::nullopt;
  return bytes;
}

}  // namespace cloister::drivers
