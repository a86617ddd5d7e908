#pragma once
/// One link: its peer session, its distillery, its key store and its tunnels, wired together on the I/O thread.
///
///   Distillery ─ Amplified ─▶ close_block ─▶ Session ─ BlockHeld ─▶ Store ─ reserve bits ─▶ Session
///                                                                      └── keys ─▶ Tunnels ─▶ DataPlane
///
/// Blocks close one at a time and by number, so that both boxes allocate each by needs that count the one before; a
/// block that the chain has finished early waits for those before it, and one that is quarantined is not closed.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/box/epsilon_total.hpp"
#include "appliance/box/link_surroundings.hpp"
#include "appliance/box/tunnels.hpp"
#include "appliance/distill/chain.hpp"
#include "appliance/keys/store.hpp"
#include "appliance/session/session.hpp"

namespace cloister::box {

struct LinkSettings {
  session::Settings session;
  distill::Parameters distillation;
  double epsilon_budget = 1e-6;         // for all blocks of the link's life
  double epsilon_booked = 0;            // what its earlier lives spent, at most
  bool external_keys = false;           // others make them, and no epsilon of theirs is known
  std::vector<TunnelSettings> tunnels;  // at first: Link::tunnels() knows what there is
};

/// What `status` shows of the last block that ended, with a key or without.
struct EndedBlock {
  distill::Account account;
  std::string outcome;           // "held", "burnt", or the code of why it was dropped
  std::string authenticated_by;  // "bootstrap", "qkd", "computational"; empty where it came to no tag
  std::string reason;            // why it gave no key, for a person
  double seconds = 0;            // from its first detections to the end
};

class Link {
 public:
  /// `random` and `surroundings` outlive the link. Call `begin` once when all is wired.
  Link(LinkSettings settings, crypto::Credentials credentials, crypto::Random& random, LinkSurroundings& surroundings);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  void begin() { drain(); }
  /// Before `begin`, when there is a vault.
  void restore(const session::KeptReserve& kept) { session_.restore(kept); }

  /// Before `on_connected`, where the link bootstraps by certificates.
  void renew(std::shared_ptr<const crypto::Authority> authority) { session_.renew(std::move(authority)); }
  /// The same where other boxes vouch for the peer's key.
  void renew(Result<crypto::TrustedKey> peer) { session_.renew(std::move(peer)); }
  [[nodiscard]] const crypto::Credentials& credentials() const { return session_.credentials(); }

  /// The operator lets it bootstrap once more; an error: it does not wait for that.
  [[nodiscard]] Result<> allow_bootstrap();
  /// From now on, whether it may by itself.
  void follow(session::BootstrapAgain again) { session_.follow(again); }

  void on_connected();
  void on_received(std::span<const std::byte> bytes);
  void on_disconnected(const std::string& reason);
  void on_session_timer();
  void on_vault_done(const Result<std::uint64_t>& outcome);
  void on_handshake(session::AdvanceHandshake step, const Result<std::vector<std::byte>>& answer);
  void on_tunnel_timer(wire::TunnelId tunnel);
  void on_sent(wire::TunnelId tunnel, vpn::Volume sent);
  void on_heard(wire::TunnelId tunnel, vpn::Spi spi);
  [[nodiscard]] Result<> on_rekey_wanted(wire::TunnelId tunnel);
  /// From now on these are its tunnels; those that stay lose no packet.
  void change_tunnels(std::vector<TunnelSettings> tunnels) { tunnels_.change(std::move(tunnels)); }
  void on_chain(std::uint64_t generation, distill::Action action);
  void on_chain_error(std::uint64_t generation, const std::string& what);

  [[nodiscard]] const LinkSettings& settings() const { return settings_; }
  [[nodiscard]] const std::vector<KnownTunnel>& tunnels() const { return tunnels_.known(); }
  [[nodiscard]] bool may_be_displaced() const { return session_.may_be_displaced(surroundings_.now()); }
  [[nodiscard]] session::Status session_status() const { return session_.status(); }
  [[nodiscard]] vpn::RekeyStatus tunnel_status(wire::TunnelId tunnel) const { return tunnels_.rekey_status(tunnel); }
  [[nodiscard]] bool lacks_keys(wire::TunnelId tunnel) const { return tunnels_.lacks_keys(tunnel); }
  [[nodiscard]] Tunnels::Stock stock(wire::TunnelId tunnel) const { return tunnels_.stock(tunnel); }
  [[nodiscard]] const keys::Store& store() const { return store_; }
  [[nodiscard]] const EpsilonTotal& epsilon() const { return epsilon_; }
  [[nodiscard]] const std::optional<EndedBlock>& last_block() const { return last_block_; }
  [[nodiscard]] std::uint64_t failed_reconciliations() const { return failed_reconciliations_; }
  /// The last one that gave no key.
  [[nodiscard]] const std::optional<EndedBlock>& last_drop() const { return last_drop_; }
  /// The last finished block gave no key.
  [[nodiscard]] bool dropping() const { return dropping_.has_value(); }
  /// A block would have a use now. Blocks that nobody needs are not asked for where keys are others' as well.
  [[nodiscard]] bool wants_key() const;
  /// A block is complete and not finished yet.
  [[nodiscard]] bool reconciling() const { return unfinished_.size() > 1; }
  [[nodiscard]] std::string subject() const { return "link '" + settings_.session.link + "'"; }

 private:
  struct SessionActions;
  struct ChainActions;
  void drain();
  void close_next_block();
  void on_held(session::BlockHeld& held);
  void begin_block(wire::BlockId block);
  void ask_less(bool wasted);
  /// When it was begun.
  [[nodiscard]] Instant end_block(wire::BlockId block);
  void record(EndedBlock block, Instant begun);
  /// A row of blocks that give no key for one reason is one alarm; the accounts have each. `told`: of that reason already.
  void give_no_key(wire::BlockId block, distill::DropReason reason, const std::string& text, bool told);

  /// A block that the chain has made; its key waits for the transcript to be authentic.
  struct Finished {
    crypto::SecretBits key;
    distill::Account account;
    Instant begun;
    bool quarantined = false;
  };

  LinkSettings settings_;
  LinkSurroundings& surroundings_;
  keys::Store store_;
  session::Session session_;
  Tunnels tunnels_;
  std::uint64_t generation_ = 0;  // of the living session; 0 without one
  std::uint64_t last_generation_ = 0;
  std::map<wire::BlockId, Instant> unfinished_;  // begun by the chain, and when
  wire::BlockId newest_begun_;
  std::map<wire::BlockId, Finished> finished_;  // the first one may be closing
  EpsilonTotal epsilon_;
  std::optional<EndedBlock> last_block_;
  std::optional<EndedBlock> last_drop_;
  std::uint64_t failed_reconciliations_ = 0;
  std::chrono::seconds waste_rest_{};  // since blocks are wholly discarded
  Instant ask_not_before_;
  bool closing_ = false;
  bool first_key_reported_ = false;
  std::optional<distill::DropReason> dropping_;  // why the last finished block gave no key
  bool draining_ = false;
};

}  // namespace cloister::box
