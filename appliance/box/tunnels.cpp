#include "appliance/box/tunnels.hpp"

#include <format>
#include <set>
#include <utility>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::box {
namespace {

std::string subject_of(const std::string& tunnel) { return std::format("tunnel '{}'", tunnel); }

std::vector<KnownTunnel> known_of(std::vector<TunnelSettings> tunnels) {
  std::vector<KnownTunnel> known;
  for (auto& settings : tunnels) {
    const auto id = settings.id();
    known.push_back({id, std::move(settings)});
  }
  return known;
}

std::vector<vpn::TunnelTerms> terms_of(const std::vector<KnownTunnel>& tunnels) {
  std::vector<vpn::TunnelTerms> terms;
  for (const auto& [id, settings] : tunnels) terms.push_back({settings.rekey.tunnel, settings.terms});
  return terms;
}

}  // namespace

struct Tunnels::Tunnel {
  Tunnel(const KnownTunnel& known, crypto::Random& random, Instant now)
      : id{known.id}, settings{known.settings.rekey}, engine{settings, random, now} {}
  wire::TunnelId id;
  vpn::RekeySettings settings;
  vpn::RekeyEngine engine;
  bool running = false;                 // the peer has it too, in this session
  std::uint64_t keys_taken_before = 0;  // by engines that have ended
  [[nodiscard]] std::string subject() const { return subject_of(settings.tunnel); }
};

std::string cipher_of(const vpn::RekeySettings& settings, vpn::KeySource source) {
  if (source == vpn::KeySource::exchange) return "AES-256-GCM, keys X25519 + ML-KEM-768";
  return settings.hybrid ? "AES-256-GCM, keys QKD + ML-KEM-768" : "AES-256-GCM, keys QKD";
}

Tunnels::Tunnels(std::vector<TunnelSettings> tunnels, const std::string& peer_box, keys::Store& store,
                 crypto::Random& random, LinkSurroundings& surroundings, Send send)
    : store_{store},
      random_{random},
      surroundings_{surroundings},
      send_{std::move(send)},
      known_{known_of(std::move(tunnels))},
      roster_{peer_box, terms_of(known_)} {
  for (const auto& tunnel : known_) add(tunnel);
}

Tunnels::~Tunnels() = default;

void Tunnels::add(const KnownTunnel& known) {
  store_.add_tunnel(
      {.id = known.id, .tunnel = known.settings.rekey.tunnel, .ceiling_keys = known.settings.stock_keys_max});
  tunnels_.emplace(known.id, std::make_unique<Tunnel>(known, random_, surroundings_.now()));
}

void Tunnels::change(std::vector<TunnelSettings> tunnels) {
  known_ = known_of(std::move(tunnels));
  std::set<wire::TunnelId> wanted;
  for (const auto& known : known_) wanted.insert(known.id);
  std::erase_if(tunnels_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    end(*entry.second);
    store_.remove_tunnel(entry.first);
    surroundings_.info("TUNNEL_REMOVED", entry.second->subject(), "its SAs have ended, its keys are burnt");
    return true;
  });
  for (const auto& known : known_) {
    if (!tunnels_.contains(known.id)) add(known);
  }
  roster_.change(terms_of(known_));
  send_roster();
  follow_roster();
}

void Tunnels::on_session_up() {
  roster_.on_session_up();
  send_roster();
}

void Tunnels::on_session_down() {
  roster_.on_session_down();
  for (const auto& [id, tunnel] : tunnels_) {
    tunnel->running = false;
    tunnel->engine.on_session_down(surroundings_.now());
    drain(*tunnel);
  }
}

Result<> Tunnels::on_message(MessageKind kind, std::span<const std::byte> payload) {
  if (kind == MessageKind::tunnel) return on_tunnel_message(payload);
  wire::Reader in{payload};
  const auto type = in.u8();
  if (!type) return fail("an empty roster message");
  if (auto taken = roster_.on_message(*type, in.rest()); !taken) return taken;
  send_roster();
  follow_roster();
  return {};
}

/// A message for a tunnel that does not run was sent before the peer knew.
Result<> Tunnels::on_tunnel_message(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto id = in.tunnel_id();
  const auto type = in.u8();
  if (!id || !type) return fail("a tunnel message is shorter than its header");
  const auto found = tunnels_.find(*id);
  if (found == tunnels_.end() || !found->second->running) return {};
  Tunnel& tunnel = *found->second;
  const auto taken = tunnel.engine.on_message(*type, in.rest(), surroundings_.now());
  drain(tunnel);
  return taken;
}

void Tunnels::send_roster() {
  while (auto message = roster_.next_message()) {
    wire::Writer out;
    out.u8(message->type).bytes(message->payload);
    send_(MessageKind::roster, std::move(out).take());
  }
}

/// What the peer has too runs; what it does not have ends here as it did there.
void Tunnels::follow_roster() {
  tell_differences();
  for (const auto& [id, tunnel] : tunnels_) {
    if (roster_.missing(id)) {
      end(*tunnel);
      store_.burn_stock(id);
    } else if (roster_.shared(id) && !tunnel->running) {
      tunnel->running = true;
      tunnel->engine.on_session_up(surroundings_.now());
      drain(*tunnel);
    }
  }
}

void Tunnels::tell_differences() {
  const auto before = std::exchange(told_, roster_.differences());
  for (const auto& [name, text] : told_) {
    const auto known = before.find(name);
    if (known == before.end() || known->second != text)
      surroundings_.alarm("TUNNEL_DIFFERS", subject_of(name), text + ": it carries nothing until both have it alike");
  }
  for (const auto& [name, text] : before) {
    if (!told_.contains(name))
      surroundings_.info("TUNNEL_ALIKE", subject_of(name), "both boxes have it alike, or neither has it");
  }
}

/// Its SAs end at once; what follows begins anew.
void Tunnels::end(Tunnel& tunnel) {
  tunnel.running = false;
  tunnel.engine.end();
  drain(tunnel);
  tunnel.keys_taken_before += tunnel.engine.status().keys_taken;
  tunnel.engine = vpn::RekeyEngine{tunnel.settings, random_, surroundings_.now()};
}

void Tunnels::drain(Tunnel& tunnel) {
  const auto name = tunnel.subject();
  struct Visitor {
    Tunnels& self;
    Tunnel& tunnel;
    const std::string& name;

    void operator()(vpn::SendMessage& message) const {
      wire::Writer out;
      out.tunnel_id(tunnel.id).u8(message.type).bytes(message.payload);
      self.send_(MessageKind::tunnel, std::move(out).take());
    }
    void operator()(vpn::NeedKey& need) const {
      const auto give = [this](auto key) {
        if (key)
          tunnel.engine.on_key(key->name, key->by, std::move(key->key), self.surroundings_.now());
        else
          tunnel.engine.on_no_key(self.surroundings_.now());
      };
      if (need.name)
        give(self.store_.take(tunnel.id, *need.name));
      else
        give(self.store_.take_next(tunnel.id));
    }
    void operator()(vpn::BurnKeysBefore& burn) const { self.store_.burn_before(tunnel.id, burn.first); }
    void operator()(vpn::InstallInbound& install) const {
      self.surroundings_.install_inbound(tunnel.id, install.spi, std::move(install.key));
    }
    void operator()(vpn::InstallOutbound& install) const {
      self.surroundings_.install_outbound(tunnel.id, install.spi, std::move(install.key), install.packets_max);
    }
    void operator()(vpn::RetireInbound& retire) const { self.surroundings_.retire_inbound(tunnel.id, retire.spi); }
    void operator()(vpn::RetireOutbound&) const { self.surroundings_.retire_outbound(tunnel.id); }
    void operator()(vpn::WakeAt& wake) const { self.surroundings_.wake_tunnel(tunnel.id, wake.at); }
    void operator()(vpn::TunnelUp& up) const {
      self.surroundings_.info("TUNNEL_UP", name,
                              std::format("up, {}, epoch {}", cipher_of(tunnel.settings, up.source), up.epoch));
    }
    void operator()(vpn::TunnelRekeyed&) const {}  // counted in the status; a line for each would drown the rest
    void operator()(vpn::RekeyLateOver& over) const {
      self.surroundings_.info("TUNNEL_REKEYED", name, over.by_key ? "it has a new key" : "its SAs have ended");
    }
    void operator()(vpn::RekeyLate& late) const {
      self.surroundings_.alarm("TUNNEL_REKEY_LATE", name,
                               std::format("no new key has come, and the last one ends in {:.0f} s",
                                           std::chrono::duration<double>(late.left).count()));
    }
    void operator()(vpn::TunnelBlocked& blocked) const {
      self.surroundings_.alarm("TUNNEL_BLOCKED", name, "blocked: " + blocked.reason);
    }
    void operator()(vpn::StopgapBegun& stopgap) const {
      if (stopgap.source == vpn::KeySource::extended)
        self.surroundings_.alarm("TUNNEL_EXTENDED", name,
                                 std::format("no key is left: the last one is used on, for {} s at most",
                                             floor<std::chrono::seconds>(tunnel.settings.extend_for).count()));
      else
        self.surroundings_.alarm("TUNNEL_WITHOUT_QKD", name,
                                 "no key is left: it goes on under keys of an exchange, X25519 and ML-KEM-768 alone");
    }
    void operator()(vpn::StopgapEnded& stopgap) const {
      self.surroundings_.info("TUNNEL_STOPGAP_ENDED", name,
                              stopgap.by_key ? "it has a key of the stock again" : "it carries nothing any more");
    }
  };
  const Visitor visitor{*this, tunnel, name};
  while (auto action = tunnel.engine.next_action()) std::visit(visitor, *action);
}

void Tunnels::on_timer(wire::TunnelId tunnel) {
  const auto found = tunnels_.find(tunnel);
  if (found == tunnels_.end()) return;
  found->second->engine.on_timer(surroundings_.now());
  drain(*found->second);
}

void Tunnels::on_sent(wire::TunnelId tunnel, vpn::Volume sent) {
  Tunnel& sender = *tunnels_.at(tunnel);
  sender.engine.on_sent(sent, surroundings_.now());
  drain(sender);
}

void Tunnels::on_heard(wire::TunnelId tunnel, vpn::Spi spi) {
  Tunnel& receiver = *tunnels_.at(tunnel);
  receiver.engine.on_heard(spi, surroundings_.now());
  drain(receiver);
}

Result<> Tunnels::on_rekey_wanted(wire::TunnelId tunnel) {
  Tunnel& wanted = *tunnels_.at(tunnel);
  if (const auto differs = told_.find(wanted.settings.tunnel); differs != told_.end())
    return fail("the two boxes do not have it alike: " + differs->second);
  const auto begun = wanted.engine.on_rekey_wanted(surroundings_.now());
  drain(wanted);
  return begun;
}

bool Tunnels::runs(wire::TunnelId tunnel) const { return tunnels_.at(tunnel)->running; }

vpn::RekeyStatus Tunnels::rekey_status(wire::TunnelId tunnel) const {
  const auto& known = *tunnels_.at(tunnel);
  auto status = known.engine.status();
  status.keys_taken += known.keys_taken_before;
  if (told_.contains(known.settings.tunnel)) status.state = "differs";
  return status;
}

}  // namespace cloister::box
