#include "appliance/box/link.hpp"

#include <algorithm>
#include <format>

#include "appliance/distill/account_json.hpp"
#include "appliance/session/reserve.hpp"

namespace cloister::box {
namespace {

const char* code_of(distill::DropReason reason) {
  switch (reason) {
    case distill::DropReason::qber_above_limit:
      return "QBER_HIGH";
    case distill::DropReason::no_secret_key:
      return "NO_SECRET_KEY";
    case distill::DropReason::reconciliation_failed:
      return "RECONCILIATION_FAILED";
    case distill::DropReason::verification_failed:
      return "VERIFICATION_FAILED";
    case distill::DropReason::device_suspect:
      return "DEVICE_SUSPECT";
    case distill::DropReason::kmes_disagree:
      return "KMES_DISAGREE";
    case distill::DropReason::kme_failed:
      return "KEYS_NOT_GIVEN";
  }
  return "";
}

std::string first_key_text(const distill::Account& account, std::size_t bits) {
  if (const auto& external = account.external)
    return std::format(
        "first key: {} secret bits of {} keys that the KMEs have given: what they are worth is their word", bits,
        external->keys);
  return std::format("first key: {} secret bits of {} sifted, QBER {:.2f} %, phase error at most {:.2f} %", bits,
                     account.key.n[0] + account.key.n[1], 100 * account.key_qber(), 100 * account.phase_error);
}

/// Of the reserve, what two blocks cost: one that was just filled lacks what its own block has cost.
constexpr std::uint64_t reserve_need_to_ask = std::uint64_t{4} * session::Reserve::pad_bits;

/// After a block that nobody needed.
constexpr std::chrono::seconds waste_rest_least{4};
constexpr std::chrono::seconds waste_rest_most{256};

}  // namespace

Link::Link(LinkSettings settings, crypto::Credentials credentials, crypto::Random& random,
           LinkSurroundings& surroundings)
    : settings_{std::move(settings)},
      surroundings_{surroundings},
      session_{settings_.session, std::move(credentials), random, surroundings_.now()},
      tunnels_{settings_.tunnels,
               settings_.session.peer_box,
               store_,
               random,
               surroundings_,
               [this](Tunnels::MessageKind kind, const std::vector<std::byte>& message) {
                 session_.send_message(static_cast<std::uint8_t>(kind), message, surroundings_.now());
                 drain();
               }},
      epsilon_{settings_.epsilon_budget, settings_.distillation.eps_sec + settings_.distillation.eps_cor,
               settings_.epsilon_booked} {}

Result<> Link::allow_bootstrap() {
  auto allowed = session_.allow_bootstrap(surroundings_.now());
  drain();
  return allowed;
}

void Link::on_connected() {
  session_.on_connected(surroundings_.now());
  drain();
}

void Link::on_received(std::span<const std::byte> bytes) {
  session_.on_received(bytes, surroundings_.now());
  drain();
}

void Link::on_disconnected(const std::string& reason) {
  session_.on_disconnected(reason, surroundings_.now());
  drain();
}

void Link::on_session_timer() {
  session_.on_timer(surroundings_.now());
  drain();
}

void Link::on_vault_done(const Result<std::uint64_t>& outcome) {
  session_.on_vault_done(outcome, surroundings_.now());
  drain();
}

void Link::on_handshake(session::AdvanceHandshake step, const Result<std::vector<std::byte>>& answer) {
  session_.on_handshake(std::move(step), answer, surroundings_.now());
  drain();
}

void Link::on_tunnel_timer(wire::TunnelId tunnel) { tunnels_.on_timer(tunnel); }
void Link::on_sent(wire::TunnelId tunnel, vpn::Volume sent) { tunnels_.on_sent(tunnel, sent); }
void Link::on_heard(wire::TunnelId tunnel, vpn::Spi spi) { tunnels_.on_heard(tunnel, spi); }
Result<> Link::on_rekey_wanted(wire::TunnelId tunnel) { return tunnels_.on_rekey_wanted(tunnel); }

struct Link::SessionActions {
  Link& link;

  void operator()(session::Connect& connect) const { link.surroundings_.connect(connect.not_before); }
  void operator()(session::Transmit& transmit) const { link.surroundings_.transmit(std::move(transmit.bytes)); }
  void operator()(session::Disconnect&) const { link.surroundings_.disconnect(); }
  void operator()(session::Wake& wake) const { link.surroundings_.wake_session(wake.at); }
  void operator()(session::StoreRecord& store) const { link.surroundings_.store_record(std::move(store.record)); }
  void operator()(session::MoveCounter& move) const { link.surroundings_.move_counter(move.counter, move.to); }
  void operator()(session::AdvanceHandshake& step) const { link.surroundings_.advance_handshake(std::move(step)); }
  void operator()(session::Established& established) const {
    link.store_.keep_only(established.kept);
    link.generation_ = ++link.last_generation_;
    link.surroundings_.start_chain(link.generation_, established.first_block);
    const bool by_qkd = established.by != session::Authenticator::bootstrap;
    link.surroundings_.info(
        by_qkd ? "SESSION_RESUMED" : "BOOTSTRAP_DONE", link.subject(),
        established.restarted
            ? std::format("session with '{}' resumed after a restart on the sealed reserve, without a bootstrap",
                          link.settings_.session.peer_box)
        : by_qkd ? std::format("session with '{}' resumed on QKD keys", link.settings_.session.peer_box)
                 : std::format("bootstrap with '{}' done: TLS 1.3, {}, X25519MLKEM768", link.settings_.session.peer_box,
                               to_string(link.credentials())));
    link.tunnels_.on_session_up();
  }
  void operator()(session::DeliverBlockMessage& message) const {
    link.surroundings_.deliver_to_chain(link.generation_, message.block, message.type, std::move(message.payload));
  }
  void operator()(session::DeliverMessage& message) const {
    using Kind = Tunnels::MessageKind;
    const auto kind = static_cast<Kind>(message.type);
    auto taken = kind == Kind::tunnel || kind == Kind::roster
                     ? link.tunnels_.on_message(kind, message.payload)
                     : Result<>{fail(std::format("a message of unknown type {}", message.type))};
    if (!taken) link.session_.on_protocol_error(taken.error().message, link.surroundings_.now());
  }
  void operator()(session::BlockHeld& held) const { link.on_held(held); }
  void operator()(session::BlockBurnt& burnt) const {
    link.finished_.erase(burnt.block);
    link.surroundings_.info(
        "BLOCK_BURNT", link.subject(),
        std::format("block {} is lost on both boxes: the session ended before both had confirmed it",
                    burnt.block.value));
  }
  void operator()(session::AuthenticatorChanged& changed) const {
    if (changed.from == session::Authenticator::bootstrap)
      link.surroundings_.info("AUTHENTICATION_SWITCHED", link.subject(),
                              std::format("classical channel authenticated by {} from now on; bootstrap secrets wiped",
                                          changed.by == session::Authenticator::qkd
                                              ? "QKD keys"
                                              : "tags under keys that are derived from QKD key (computational)"));
    else if (changed.by == session::Authenticator::qkd)
      link.surroundings_.info("AUTHENTICATION_RAISED", link.subject(),
                              "classical channel authenticated by QKD keys again, each used once");
  }
  void operator()(session::Lost& lost) const {
    link.generation_ = 0;
    link.unfinished_.clear();
    link.newest_begun_ = {};
    for (const auto& [number, block] : link.finished_)
      link.record({.account = block.account, .outcome = "burnt", .authenticated_by = {}, .reason = lost.reason},
                  block.begun);
    link.finished_.clear();
    link.closing_ = false;
    link.surroundings_.stop_chain();
    link.tunnels_.on_session_down();
    link.surroundings_.info("SESSION_LOST", link.subject(), lost.reason);
  }
  void operator()(session::Alarm& alarm) const { link.surroundings_.alarm(alarm.code, link.subject(), alarm.text); }
};

/// Actions may lead to calls that drain again; the outermost drains all, in order.
void Link::drain() {
  if (draining_) return;
  draining_ = true;
  while (auto action = session_.next_action()) std::visit(SessionActions{*this}, *action);
  draining_ = false;
}

struct Link::ChainActions {
  Link& link;

  void operator()(distill::Send& send) const {
    if (send.block > link.newest_begun_) link.begin_block(send.block);
    link.session_.send_block_message(send.block, send.type, send.payload, link.surroundings_.now());
  }
  void operator()(distill::Amplified& amplified) const {
    if (std::exchange(link.dropping_, std::nullopt))
      link.surroundings_.info("KEY_AGAIN", link.subject(),
                              std::format("block {} gives a key again", amplified.block.value));
    const Instant begun = link.end_block(amplified.block);
    link.finished_.emplace(amplified.block,
                           Finished{std::move(amplified.key), amplified.account, begun, amplified.quarantined});
    link.close_next_block();
  }
  void operator()(distill::Released& released) const {
    const auto block = link.finished_.find(released.block);
    require(block != link.finished_.end(), "a block was released that was not made");
    block->second.quarantined = false;
    link.close_next_block();
  }
  /// The peer's word may come when its CLOSE is all that a block waits for.
  void operator()(distill::Withdrawn& withdrawn) const {
    auto found = link.finished_.find(withdrawn.block);
    if (found == link.finished_.end())
      return link.session_.on_protocol_error(
          std::format("the peer discarded block {} after it had closed it", withdrawn.block.value),
          link.surroundings_.now());
    if (found == link.finished_.begin()) link.closing_ = false;
    const Finished block = std::move(found->second);
    link.finished_.erase(found);
    link.session_.abandon_block(withdrawn.block);
    constexpr auto reason = distill::DropReason::device_suspect;
    link.record(
        {.account = block.account, .outcome = code_of(reason), .authenticated_by = {}, .reason = withdrawn.text},
        block.begun);
    link.give_no_key(withdrawn.block, reason, withdrawn.text, !withdrawn.by_peer);
  }
  void operator()(distill::Dropped& dropped) const {
    const Instant begun = link.end_block(dropped.block);
    link.session_.abandon_block(dropped.block);
    link.record({.account = dropped.account,
                 .outcome = code_of(dropped.reason),
                 .authenticated_by = {},
                 .reason = dropped.text},
                begun);
    if (dropped.reason == distill::DropReason::reconciliation_failed ||
        dropped.reason == distill::DropReason::verification_failed)
      ++link.failed_reconciliations_;
    // Of the device's watch the distillery has told, before the blocks were dropped here.
    const bool told = dropped.reason == distill::DropReason::device_suspect && !dropped.by_peer;
    link.give_no_key(dropped.block, dropped.reason, dropped.text, told);
  }
};

void Link::give_no_key(wire::BlockId block, distill::DropReason reason, const std::string& text, bool told) {
  if (dropping_ != reason && !told)
    surroundings_.alarm(code_of(reason), subject(), std::format("block {} dropped: {}", block.value, text));
  dropping_ = reason;
  close_next_block();
}

void Link::on_chain(std::uint64_t generation, distill::Action action) {
  if (generation != generation_ || generation_ == 0) return;
  std::visit(ChainActions{*this}, action);
  drain();
}

bool Link::wants_key() const {
  if (generation_ == 0 || surroundings_.now() < ask_not_before_) return false;
  const auto reserve = session_.reserve_need();
  if (session_.next_block_feeds_reserve() && reserve.bits + reserve.pads * keys::pad_bits >= reserve_need_to_ask)
    return true;
  return std::ranges::any_of(tunnels_.known(), [this](const KnownTunnel& tunnel) {
    return tunnels_.runs(tunnel.id) && tunnels_.lacks_keys(tunnel.id);
  });
}

void Link::on_chain_error(std::uint64_t generation, const std::string& what) {
  if (generation != generation_ || generation_ == 0) return;
  session_.on_protocol_error(what, surroundings_.now());
  drain();
}

void Link::close_next_block() {
  if (closing_ || finished_.empty() || finished_.begin()->second.quarantined) return;
  const auto first = finished_.begin()->first;
  if (!unfinished_.empty() && unfinished_.begin()->first < first) return;
  closing_ = true;
  const auto reserve = session_.reserve_need();
  session_.close_block(first, store_.needs(reserve.bits, reserve.pads).encode(), surroundings_.now());
}

void Link::on_held(session::BlockHeld& held) {
  if (finished_.empty() || finished_.begin()->first != held.block) {
    session_.on_protocol_error(std::format("block {} is held, but was not made here", held.block.value),
                               surroundings_.now());
    return;
  }
  Finished block = std::move(finished_.begin()->second);
  finished_.erase(finished_.begin());
  closing_ = false;
  surroundings_.chain_block_held(generation_, held.block);

  auto own = keys::Needs::decode(held.own_note);
  auto peer = keys::Needs::decode(held.peer_note);
  if (!own || !peer) {
    session_.on_protocol_error(own ? peer.error().message : own.error().message, surroundings_.now());
    return;
  }
  if (peer->pads > session_.pads_when_full()) {
    session_.on_protocol_error(
        std::format("the peer lacks {} pads of a reserve of {}", peer->pads, session_.pads_when_full()),
        surroundings_.now());
    return;
  }
  const std::size_t bits = block.key.size_bits();
  const auto discarded_before = store_.balance().discarded_bits;
  if (!session_.feeds_reserve(held.by)) own->reserve_bits = own->pads = peer->pads = 0;
  auto reserve = store_.add(held.block, held.by, std::move(block.key), *own, *peer);
  if (!reserve) {
    session_.on_protocol_error(reserve.error().message, surroundings_.now());
    return;
  }
  ask_less(store_.balance().discarded_bits - discarded_before == bits);
  record({.account = block.account, .outcome = "held", .authenticated_by = to_string(held.by), .reason = {}},
         block.begun);
  if (!first_key_reported_) {
    surroundings_.info("FIRST_KEY", subject(), first_key_text(block.account, bits));
    first_key_reported_ = true;
  }
  if (!reserve->empty())
    session_.add_reserve(held.block, std::move(*reserve), {.own = own->pads, .peers = peer->pads}, surroundings_.now());
  close_next_block();
}

/// Of a block that was wholly discarded the peer had no need, which this box does not see.
void Link::ask_less(bool wasted) {
  waste_rest_ = wasted ? std::clamp(2 * waste_rest_, waste_rest_least, waste_rest_most) : std::chrono::seconds{};
  ask_not_before_ = surroundings_.now() + waste_rest_;
}

/// An attempt is paid for before it is made.
void Link::begin_block(wire::BlockId block) {
  unfinished_.emplace(block, surroundings_.now());
  newest_begun_ = block;
  if (settings_.external_keys) return;
  if (const auto total = epsilon_.to_book(); total && surroundings_.book_epsilon(*total)) epsilon_.on_booked(*total);
  const auto change = epsilon_.add_block();
  if (change == EpsilonTotal::Change::none) return;
  const bool spent = change == EpsilonTotal::Change::spent;
  surroundings_.alarm(
      spent ? "EPSILON_SPENT" : "EPSILON_LOW", subject(),
      std::format("the keys of this link's life add up to an epsilon of {:.2e}, {} its budget of {:.2e}: {}",
                  epsilon_.total(), spent ? "above" : "near", epsilon_.budget(),
                  "decide on a new budget ('distillation.epsilon_budget' on both boxes), or on an end"));
}

Instant Link::end_block(wire::BlockId block) {
  const auto begun = unfinished_.extract(block);
  return begun ? begun.mapped() : surroundings_.now();
}

void Link::record(EndedBlock block, Instant begun) {
  block.seconds = std::chrono::duration<double>(surroundings_.now() - begun).count();
  surroundings_.record(std::format(
      R"({{{}, "outcome": "{}", "authenticated_by": {}, "seconds": {:.3f}}})", distill::json_members(block.account),
      block.outcome, block.authenticated_by.empty() ? "null" : '"' + block.authenticated_by + '"', block.seconds));
  if (block.outcome != "held") last_drop_ = block;
  last_block_ = std::move(block);
}

}  // namespace cloister::box
