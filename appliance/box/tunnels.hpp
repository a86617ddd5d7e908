#pragma once
/// The tunnels of one link: rekey engines between the peer session, the key store and the data plane. A tunnel runs
/// while both boxes have it alike (vpn/roster.hpp).
///
///   session MESSAGE{tunnel, type, …} ⇄ RekeyEngine ── NeedKey ──▶ Store
///                                                 └─ Install, Retire ──▶ data plane

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/box/link_surroundings.hpp"
#include "appliance/keys/store.hpp"
#include "appliance/vpn/pad_engine.hpp"
#include "appliance/vpn/rekey.hpp"
#include "appliance/vpn/roster.hpp"

namespace cloister::box {

/// One tunnel as configured.
struct TunnelSettings {
  vpn::RekeySettings rekey;
  std::string interface;
  std::uint32_t stock_keys_max = 64;
  std::uint64_t pad_bytes = 0;  // of one-time pad ready for each direction, half of it in the stock; 0: not under pads
  std::string terms;            // what both boxes must have alike, `name=value` lines (agreement.hpp)

  [[nodiscard]] bool under_pads() const { return pad_bytes > 0; }
  [[nodiscard]] wire::TunnelId id() const { return vpn::id_of({rekey.tunnel, terms}); }
};

/// With its id, a digest that need not be made again each time that somebody looks.
struct KnownTunnel {
  wire::TunnelId id;
  TunnelSettings settings;
};

/// As people read it.
[[nodiscard]] std::string cipher_of(const TunnelSettings& settings, vpn::KeySource source);

class Tunnels {
 public:
  /// Messages of the session that are tunnels'.
  enum class MessageKind : std::uint8_t { tunnel = 1, roster = 2 };
  /// `send` carries one to the peer.
  using Send = std::function<void(MessageKind, const std::vector<std::byte>&)>;

  Tunnels(std::vector<TunnelSettings> tunnels, const std::string& peer_box, keys::Store& store, crypto::Random& random,
          LinkSurroundings& surroundings, Send send);
  ~Tunnels();
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  /// From now on these. One that is not among them ends at once, its keys are burnt; one that was there goes on.
  void change(std::vector<TunnelSettings> tunnels);

  void on_session_up();
  void on_session_down();
  [[nodiscard]] Result<> on_message(MessageKind kind, std::span<const std::byte> payload);
  void on_timer(wire::TunnelId tunnel);
  /// What it has sent so far.
  void on_sent(wire::TunnelId tunnel, vpn::Volume sent);
  /// The peer's packets come under that SA.
  void on_heard(wire::TunnelId tunnel, vpn::Spi spi);
  [[nodiscard]] Result<> on_rekey_wanted(wire::TunnelId tunnel);

  /// As configured, in that order.
  [[nodiscard]] const std::vector<KnownTunnel>& known() const { return known_; }
  /// The peer has it too, in this session.
  [[nodiscard]] bool runs(wire::TunnelId tunnel) const;
  [[nodiscard]] vpn::RekeyStatus rekey_status(wire::TunnelId tunnel) const;
  /// Of a tunnel under pads: what it sends under.
  struct Stock {
    std::uint32_t keys = 0;
    std::uint32_t keys_max = 0;
  };
  [[nodiscard]] Stock stock(wire::TunnelId tunnel) const;
  /// Half of a stock of it, or more, has gone.
  [[nodiscard]] bool lacks_keys(wire::TunnelId tunnel) const;

 private:
  struct Tunnel;
  void add(const KnownTunnel& known);
  [[nodiscard]] Result<> on_tunnel_message(std::span<const std::byte> payload);
  void send_roster();
  void follow_roster();
  void tell_differences();
  void end(Tunnel& tunnel);
  void drain(Tunnel& tunnel);

  keys::Store& store_;
  crypto::Random& random_;
  LinkSurroundings& surroundings_;
  Send send_;
  std::vector<KnownTunnel> known_;
  std::map<wire::TunnelId, std::unique_ptr<Tunnel>> tunnels_;
  vpn::Roster roster_;
  vpn::Roster::Differences told_;
};

}  // namespace cloister::box
