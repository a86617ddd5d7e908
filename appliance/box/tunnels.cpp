#include "appliance/box/tunnels.hpp"

#include <algorithm>
#include <format>
#include <set>
#include <utility>
#include <variant>

#include "appliance/box/secret_memory.hpp"
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

/// Of hash keys that are kept ready for a tunnel under pads, one for each SA.
constexpr std::uint32_t hash_keys_in_stock = 4;

/// The stocks that one direction takes from; a tunnel under keys has one for both.
struct Stocks {
  wire::TunnelId pad;  // or keys
  wire::TunnelId hash_keys;
  [[nodiscard]] wire::TunnelId of(vpn::PadStock stock) const { return stock == vpn::PadStock::pad ? pad : hash_keys; }
};

/// Both boxes know them by the box that is sent to.
Stocks stocks_of(const TunnelSettings& settings, const std::string& to) {
  if (!settings.under_pads()) return {.pad = settings.id(), .hash_keys = settings.id()};
  const auto id = [&](const char* what) {
    return vpn::id_of({settings.rekey.tunnel, std::format("{}{}={}\n", settings.terms, what, to)});
  };
  return {.pad = id("pad_to"), .hash_keys = id("hash_keys_to")};
}

using Engine = std::variant<vpn::RekeyEngine, vpn::PadEngine>;

static_assert(secret_bytes_of_pad_window == vpn::InboundPadSa::window_units * vpn::pad_unit_bytes);

/// Half of what is to be ready is in the stocks.
std::uint64_t pad_units_in_sa(const TunnelSettings& settings) { return settings.pad_bytes / 2 / vpn::pad_unit_bytes; }
std::uint32_t pad_keys_in_stock(const TunnelSettings& settings) {
  return static_cast<std::uint32_t>(settings.pad_bytes / 2 / crypto::TunnelKey::size);
}

Engine make_engine(const TunnelSettings& settings, crypto::Random& random, Instant now) {
  if (!settings.under_pads()) return vpn::RekeyEngine{settings.rekey, random, now};
  return vpn::PadEngine{{.tunnel = settings.rekey.tunnel, .units_max = pad_units_in_sa(settings)}, random};
}

std::vector<vpn::GivenKey> given(std::vector<keys::NamedKey> keys) {
  std::vector<vpn::GivenKey> all;
  for (auto& key : keys) all.push_back({key.name, key.by, std::move(key.key)});
  return all;
}

}  // namespace

struct Tunnels::Tunnel {
  Tunnel(const KnownTunnel& known, crypto::Random& random, Instant now)
      : id{known.id},
        settings{known.settings},
        sending{stocks_of(settings, settings.rekey.peer_box)},
        receiving{stocks_of(settings, settings.rekey.local_box)},
        engine{make_engine(settings, random, now)} {}
  wire::TunnelId id;
  TunnelSettings settings;
  Stocks sending;
  Stocks receiving;
  Engine engine;
  bool running = false;                 // the peer has it too, in this session
  std::uint64_t keys_taken_before = 0;  // by engines that have ended
  std::uint64_t pad_used_before = 0;    // of it, in bytes
  [[nodiscard]] std::string subject() const { return subject_of(settings.rekey.tunnel); }
  [[nodiscard]] std::set<wire::TunnelId> stocks() const {
    return {sending.pad, sending.hash_keys, receiving.pad, receiving.hash_keys};
  }
  [[nodiscard]] vpn::RekeyStatus status() const {
    return std::visit([](const auto& one) { return one.status(); }, engine);
  }
};

std::string cipher_of(const TunnelSettings& settings, vpn::KeySource source) {
  if (settings.under_pads()) return "one-time pad, QKD";
  if (source == vpn::KeySource::exchange) return "AES-256-GCM, keys X25519 + ML-KEM-768";
  return settings.rekey.hybrid ? "AES-256-GCM, keys QKD + ML-KEM-768" : "AES-256-GCM, keys QKD";
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
  const auto& name = known.settings.rekey.tunnel;
  const auto& added =
      *tunnels_.emplace(known.id, std::make_unique<Tunnel>(known, random_, surroundings_.now())).first->second;
  if (!known.settings.under_pads())
    return store_.add_tunnel({.id = known.id, .tunnel = name, .ceiling_keys = known.settings.stock_keys_max});
  const auto offer = [&](const Stocks& stocks, bool to_server) {
    using Use = keys::StockUse;
    store_.add_tunnel({.id = stocks.pad,
                       .tunnel = name,
                       .ceiling_keys = pad_keys_in_stock(known.settings),
                       .use = to_server ? Use::pad_to_server : Use::pad_to_client});
    store_.add_tunnel({.id = stocks.hash_keys,
                       .tunnel = name,
                       .ceiling_keys = hash_keys_in_stock,
                       .use = to_server ? Use::hash_to_server : Use::hash_to_client});
  };
  const bool client = known.settings.rekey.initiator;
  offer(added.sending, client);
  offer(added.receiving, !client);
}

void Tunnels::change(std::vector<TunnelSettings> tunnels) {
  known_ = known_of(std::move(tunnels));
  std::set<wire::TunnelId> wanted;
  for (const auto& known : known_) wanted.insert(known.id);
  std::erase_if(tunnels_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    end(*entry.second);
    for (const auto stock : entry.second->stocks()) store_.remove_tunnel(stock);
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
    std::visit([this](auto& engine) { engine.on_session_down(surroundings_.now()); }, tunnel->engine);
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
  const auto taken =
      std::visit([&](auto& engine) { return engine.on_message(*type, in.rest(), surroundings_.now()); }, tunnel.engine);
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
      for (const auto stock : tunnel->stocks()) store_.burn_stock(stock);
    } else if (roster_.shared(id) && !tunnel->running) {
      tunnel->running = true;
      std::visit([this](auto& engine) { engine.on_session_up(surroundings_.now()); }, tunnel->engine);
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
  std::visit([](auto& engine) { engine.end(); }, tunnel.engine);
  drain(tunnel);
  const auto ended = tunnel.status();
  tunnel.keys_taken_before += ended.keys_taken;
  if (ended.pad) tunnel.pad_used_before += ended.pad->used_bytes;
  tunnel.engine = make_engine(tunnel.settings, random_, surroundings_.now());
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
      auto& engine = std::get<vpn::RekeyEngine>(tunnel.engine);
      const auto give = [this, &engine](auto key) {
        if (key)
          engine.on_key(key->name, key->by, std::move(key->key), self.surroundings_.now());
        else
          engine.on_no_key(self.surroundings_.now());
      };
      if (need.name)
        give(self.store_.take(tunnel.id, *need.name));
      else
        give(self.store_.take_next(tunnel.id));
    }
    void operator()(vpn::NeedPadKeys& need) const {
      auto& engine = std::get<vpn::PadEngine>(tunnel.engine);
      auto keys = given(self.store_.take_next(tunnel.sending.of(need.stock), need.most));
      if (keys.empty()) return engine.on_no_keys(self.surroundings_.now());
      engine.on_keys(std::move(keys), self.surroundings_.now());
    }
    void operator()(vpn::NeedNamedPadKeys& need) const {
      auto& engine = std::get<vpn::PadEngine>(tunnel.engine);
      auto keys = self.store_.take(tunnel.receiving.of(need.stock), need.names);
      if (!keys) return engine.on_no_keys(self.surroundings_.now());
      engine.on_keys(given(std::move(*keys)), self.surroundings_.now());
    }
    void operator()(vpn::BurnPadKeysBefore& burn) const {
      self.store_.burn_before(tunnel.sending.of(burn.stock), burn.sending);
      self.store_.burn_before(tunnel.receiving.of(burn.stock), burn.receiving);
    }
    void operator()(vpn::InstallPadInbound& install) const {
      self.surroundings_.install_pad_inbound(tunnel.id, std::move(install.sa));
    }
    void operator()(vpn::InstallPadOutbound& install) const {
      self.surroundings_.install_pad_outbound(tunnel.id, std::move(install.sa));
    }
    void operator()(vpn::RetirePadInbound& retire) const {
      self.surroundings_.retire_pad_inbound(tunnel.id, retire.spi);
    }
    void operator()(vpn::RetirePadOutbound&) const { self.surroundings_.retire_pad_outbound(tunnel.id); }
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
                                             floor<std::chrono::seconds>(tunnel.settings.rekey.extend_for).count()));
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
  std::visit(
      [&](auto& engine) {
        while (auto action = engine.next_action()) std::visit(visitor, *action);
      },
      tunnel.engine);
}

void Tunnels::on_timer(wire::TunnelId tunnel) {
  const auto found = tunnels_.find(tunnel);
  if (found == tunnels_.end()) return;
  std::visit([this](auto& engine) { engine.on_timer(surroundings_.now()); }, found->second->engine);
  drain(*found->second);
}

void Tunnels::on_sent(wire::TunnelId tunnel, vpn::Volume sent) {
  Tunnel& sender = *tunnels_.at(tunnel);
  auto* engine = std::get_if<vpn::RekeyEngine>(&sender.engine);
  if (engine == nullptr) return;  // a pad says itself what is left of it
  engine->on_sent(sent, surroundings_.now());
  drain(sender);
}

void Tunnels::on_heard(wire::TunnelId tunnel, vpn::Spi spi) {
  Tunnel& receiver = *tunnels_.at(tunnel);
  std::get<vpn::RekeyEngine>(receiver.engine).on_heard(spi, surroundings_.now());
  drain(receiver);
}

Result<> Tunnels::on_rekey_wanted(wire::TunnelId tunnel) {
  Tunnel& wanted = *tunnels_.at(tunnel);
  if (const auto differs = told_.find(wanted.settings.rekey.tunnel); differs != told_.end())
    return fail("the two boxes do not have it alike: " + differs->second);
  auto* engine = std::get_if<vpn::RekeyEngine>(&wanted.engine);
  if (engine == nullptr) return fail("it is under one-time pads: each bit is used once, and no key is there to change");
  const auto begun = engine->on_rekey_wanted(surroundings_.now());
  drain(wanted);
  return begun;
}

bool Tunnels::runs(wire::TunnelId tunnel) const { return tunnels_.at(tunnel)->running; }

Tunnels::Stock Tunnels::stock(wire::TunnelId tunnel) const {
  const auto& known = *tunnels_.at(tunnel);
  const auto& settings = known.settings;
  return {.keys = store_.stock_keys(known.sending.pad),
          .keys_max = settings.under_pads() ? pad_keys_in_stock(settings) : settings.stock_keys_max};
}

bool Tunnels::lacks_keys(wire::TunnelId tunnel) const {
  const auto keys = std::min(stock(tunnel).keys, store_.stock_keys(tunnels_.at(tunnel)->receiving.pad));
  return 2 * keys < stock(tunnel).keys_max;
}

vpn::RekeyStatus Tunnels::rekey_status(wire::TunnelId tunnel) const {
  const auto& known = *tunnels_.at(tunnel);
  auto status = known.status();
  status.keys_taken += known.keys_taken_before;
  if (status.pad) status.pad->used_bytes += known.pad_used_before;
  if (told_.contains(known.settings.rekey.tunnel)) status.state = "differs";
  return status;
}

}  // namespace cloister::box
