#pragma once
/// The walls around a vendor's library: its own network, mounts and IPC (all empty), no capability and no way back to
/// privileges, limits on memory and threads, and a root directory whose one file is the library.

#include <cstddef>
#include <expected>
#include <string>

namespace cloister::hal::plugin {

inline constexpr const char* library_path = "/device.so";

/// The library is read from `descriptor` (a sealed memory file), which is closed. This process must be allowed user
/// namespaces, and stays who it is outside of its own. `ring_bytes` are on top of what the library may use.
[[nodiscard]] std::expected<void, std::string> close_in(int descriptor, std::size_t ring_bytes);

}  // namespace cloister::hal::plugin
