#pragma once
/// One link: its peer session, its distillery, its key store and its tunnels, wired together on the I/O thread.
///
///   Distillery ─ Amplified ─▶ close_block ─▶ Session ─ BlockHeld ─▶ Store ─ reserve bits ─▶ Session
///                                                                      └── keys ─▶ Tunnels ─▶ DataPlane
///
/// Blocks close one at a time and by number, so that both boxes allocate each by needs that count the one before; a
/// block that the chain has finished early waits for those before it.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "appliance/box/link_surroundings.hpp"
#include "appliance/box/tunnels.hpp"
#include "appliance/distill/chain.hpp"
#include "appliance/keys/store.hpp"
#include "appliance/session/session.hpp"

namespace cloister::box {

struct LinkSettings {
  session::Settings session;
  distill::Parameters distillation;
  std::vector<TunnelSettings> tunnels;
};

class Link {
 public:
  /// `random` and `surroundings` outlive the link. Call `begin` once when all is wired.
  Link(LinkSettings settings, crypto::Psk psk, crypto::Random& random, LinkSurroundings& surroundings);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  void begin() { drain(); }

  void on_connected();
  void on_received(std::span<const std::byte> bytes);
  void on_disconnected(const std::string& reason);
  void on_session_timer();
  void on_tunnel_timer(std::size_t tunnel);
  void on_chain(std::uint64_t generation, distill::Action action);
  void on_chain_error(std::uint64_t generation, const std::string& what);

  [[nodiscard]] const LinkSettings& settings() const { return settings_; }
  [[nodiscard]] session::Status session_status() const { return session_.status(); }
  [[nodiscard]] vpn::RekeyStatus tunnel_status(std::size_t tunnel) const { return tunnels_.rekey_status(tunnel); }
  [[nodiscard]] const keys::Store& store() const { return store_; }
  /// The last finished block gave no key.
  [[nodiscard]] bool dropping() const { return dropping_.has_value(); }
  /// A block is complete and not finished yet.
  [[nodiscard]] bool reconciling() const { return unfinished_.size() > 1; }
  [[nodiscard]] std::string subject() const { return "link '" + settings_.session.link + "'"; }

 private:
  struct SessionActions;
  struct ChainActions;
  void drain();
  void close_next_block();
  void on_held(session::BlockHeld& held);
  void record(const distill::Account& account, const std::string& outcome);

  /// A block that the chain has made; its key waits for the transcript to be authentic.
  struct Finished {
    crypto::SecretBits key;
    distill::Account account;
  };

  LinkSettings settings_;
  LinkSurroundings& surroundings_;
  keys::Store store_;
  session::Session session_;
  Tunnels tunnels_;
  std::uint64_t generation_ = 0;  // of the living session; 0 without one
  std::uint64_t last_generation_ = 0;
  std::set<wire::BlockId> unfinished_;  // begun by the chain
  wire::BlockId newest_begun_;
  std::map<wire::BlockId, Finished> finished_;  // the first one may be closing
  bool closing_ = false;
  bool first_key_reported_ = false;
  std::optional<distill::DropReason> dropping_;  // why the last finished block gave no key
  bool draining_ = false;
};

}  // namespace cloister::box
