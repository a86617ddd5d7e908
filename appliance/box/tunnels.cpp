#include "appliance/box/tunnels.hpp"

#include <format>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::box {

struct Tunnels::Tunnel {
  Tunnel(TunnelSettings configured, crypto::Random& random, Instant now)
      : settings{std::move(configured)}, engine{settings.rekey, random, now} {}
  TunnelSettings settings;
  vpn::RekeyEngine engine;
  [[nodiscard]] std::string subject() const { return std::format("tunnel '{}'", settings.rekey.tunnel); }
};

std::string cipher_of(const vpn::RekeySettings& settings) {
  return settings.hybrid ? "AES-256-GCM, keys QKD + ML-KEM-768" : "AES-256-GCM, keys QKD";
}

Tunnels::Tunnels(std::vector<TunnelSettings> tunnels, keys::Store& store, crypto::Random& random,
                 LinkSurroundings& surroundings, Send send)
    : store_{store}, surroundings_{surroundings}, send_{std::move(send)} {
  for (auto& settings : tunnels)
    tunnels_.push_back(std::make_unique<Tunnel>(std::move(settings), random, surroundings_.now()));
}

Tunnels::~Tunnels() = default;

void Tunnels::on_session_up() {
  for (std::size_t i = 0; i < tunnels_.size(); ++i) {
    tunnels_[i]->engine.on_session_up(surroundings_.now());
    drain(i);
  }
}

void Tunnels::on_session_down() {
  for (std::size_t i = 0; i < tunnels_.size(); ++i) {
    tunnels_[i]->engine.on_session_down(surroundings_.now());
    drain(i);
  }
}

Result<> Tunnels::on_message(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto index = in.u16();
  const auto type = in.u8();
  if (!index || !type) return fail("a tunnel message is shorter than its header");
  if (*index >= tunnels_.size())
    return fail(std::format("a message for tunnel number {}, of {}", *index, tunnels_.size()));
  const auto taken = tunnels_[*index]->engine.on_message(*type, in.rest(), surroundings_.now());
  drain(*index);
  return taken;
}

void Tunnels::drain(std::size_t index) {
  Tunnel& tunnel = *tunnels_[index];
  const auto name = tunnel.subject();
  struct Visitor {
    Tunnels& self;
    Tunnel& tunnel;
    std::size_t index;
    const std::string& name;

    void operator()(vpn::SendMessage& message) const {
      wire::Writer out;
      out.u16(static_cast<std::uint16_t>(index)).u8(message.type).bytes(message.payload);
      self.send_(std::move(out).take());
    }
    void operator()(vpn::NeedKey& need) const {
      if (!need.name) {
        if (auto next = self.store_.take_next(index))
          tunnel.engine.on_key(next->name, std::move(next->key), self.surroundings_.now());
        else
          tunnel.engine.on_no_key(self.surroundings_.now());
        return;
      }
      auto key = self.store_.take(index, *need.name);
      if (key)
        tunnel.engine.on_key(*need.name, std::move(*key), self.surroundings_.now());
      else
        tunnel.engine.on_no_key(self.surroundings_.now());
    }
    void operator()(vpn::BurnKeysBefore& burn) const { self.store_.burn_before(index, burn.first); }
    void operator()(vpn::InstallInbound& install) const {
      self.surroundings_.install_inbound(index, install.spi, std::move(install.key));
    }
    void operator()(vpn::InstallOutbound& install) const {
      self.surroundings_.install_outbound(index, install.spi, std::move(install.key));
    }
    void operator()(vpn::RetireInbound& retire) const { self.surroundings_.retire_inbound(index, retire.spi); }
    void operator()(vpn::RetireOutbound&) const { self.surroundings_.retire_outbound(index); }
    void operator()(vpn::WakeAt& wake) const { self.surroundings_.wake_tunnel(index, wake.at); }
    void operator()(vpn::TunnelUp& up) const {
      self.surroundings_.info("TUNNEL_UP", name,
                              std::format("up, {}, epoch {}", cipher_of(tunnel.settings.rekey), up.epoch));
    }
    void operator()(vpn::TunnelRekeyed&) const {}  // counted in the status; a line for each would drown the rest
    void operator()(vpn::TunnelBlocked& blocked) const {
      self.surroundings_.alarm("TUNNEL_BLOCKED", name, "blocked: " + blocked.reason);
    }
  };
  const Visitor visitor{*this, tunnel, index, name};
  while (auto action = tunnel.engine.next_action()) std::visit(visitor, *action);
}

void Tunnels::on_timer(std::size_t tunnel) {
  tunnels_[tunnel]->engine.on_timer(surroundings_.now());
  drain(tunnel);
}

Result<> Tunnels::on_rekey_wanted(std::size_t tunnel) {
  const auto begun = tunnels_[tunnel]->engine.on_rekey_wanted(surroundings_.now());
  drain(tunnel);
  return begun;
}

vpn::RekeyStatus Tunnels::rekey_status(std::size_t tunnel) const { return tunnels_[tunnel]->engine.status(); }

}  // namespace cloister::box
