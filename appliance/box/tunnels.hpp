#pragma once
/// The tunnels of one link: rekey engines between the peer session, the key store and the data plane.
///
///   session MESSAGE{tunnel, type, …} ⇄ RekeyEngine ── NeedKey ──▶ Store
///                                                 └─ Install, Retire ──▶ data plane

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "appliance/box/link_surroundings.hpp"
#include "appliance/keys/store.hpp"
#include "appliance/vpn/rekey.hpp"

namespace cloister::box {

/// One tunnel as configured.
struct TunnelSettings {
  vpn::RekeySettings rekey;
  std::string interface;
  std::uint32_t stock_keys_max = 64;
};

/// As people read it.
[[nodiscard]] std::string cipher_of(const vpn::RekeySettings& settings);

class Tunnels {
 public:
  /// `send` carries a message of a tunnel to the peer.
  using Send = std::function<void(std::vector<std::byte>)>;

  Tunnels(std::vector<TunnelSettings> tunnels, keys::Store& store, crypto::Random& random,
          LinkSurroundings& surroundings, Send send);
  ~Tunnels();
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  void on_session_up();
  void on_session_down();
  [[nodiscard]] Result<> on_message(std::span<const std::byte> payload);
  void on_timer(std::size_t tunnel);
  [[nodiscard]] Result<> on_rekey_wanted(std::size_t tunnel);
  [[nodiscard]] std::size_t count() const { return tunnels_.size(); }
  [[nodiscard]] vpn::RekeyStatus rekey_status(std::size_t tunnel) const;

 private:
  struct Tunnel;
  void drain(std::size_t index);

  keys::Store& store_;
  LinkSurroundings& surroundings_;
  Send send_;
  std::vector<std::unique_ptr<Tunnel>> tunnels_;
};

}  // namespace cloister::box
