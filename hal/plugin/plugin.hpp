#pragma once
/// A vendor's device: a shared library behind `cloister_hal.h`, in a process of its own, that shares with the service
/// nothing but a ring of raw detections or symbols.
///
///   cloisterd: PluginReceiver ◀──ring (shared memory)── cloister-hal-host: library ◀──node──▶ hardware
///              PluginTransmitter                         no rights, no network, no files, few system calls
///
/// It sees raw detections, which cannot be helped, and nothing that is made of them. A library that hangs, lies, floods,
/// crashes or gives nonsense makes a call of the device fail with the reason; the owner raises the alarm and opens a new
/// one, as for any device.

#include <memory>
#include <string>

#include "crypto/error.hpp"
#include "hal/device.hpp"
#include "hal/simulator/source_settings.hpp"

namespace cloister::hal::plugin {

struct PluginConfig {
  std::string library;       ///< Path of the shared object.
  std::string sha256;        ///< Of the whole file, 64 hexadecimal digits.
  std::string node;          ///< Device node or local socket that is opened for it; empty: none.
  std::string host_socket;   ///< Where systemd starts cloister-hal-host; empty: it is started here, as who this is.
  std::string host_program;  ///< Its path, where it is started here.
  simulator::SourceSettings source;
  bool needs_meters = false;  ///< All of its role: a library without one of them is none for this link.
};

/// The host program in the directory of the running program.
[[nodiscard]] std::string host_beside_this_program();

/// What can be found wrong before anything runs: the library's hash, the host program or its socket.
[[nodiscard]] Result<> check(const PluginConfig& config);

[[nodiscard]] Result<std::unique_ptr<Transmitter>> open_transmitter(const PluginConfig& config);
[[nodiscard]] Result<std::unique_ptr<Receiver>> open_receiver(const PluginConfig& config);

}  // namespace cloister::hal::plugin
