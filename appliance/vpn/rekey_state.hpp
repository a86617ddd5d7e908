#pragma once
/// The inside of a rekey engine: the SAs of its tunnel and the exchange that is under way.

#include <chrono>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/vpn/derive.hpp"
#include "appliance/vpn/rekey.hpp"
#include "appliance/vpn/rekey_messages.hpp"

namespace cloister::vpn {

inline constexpr std::chrono::milliseconds rekey_retry_interval{500};

/// A pair of SAs of one key.
struct Generation {
  std::uint64_t epoch = 0;
  Spi inbound;
  std::optional<Spi> outbound;  // once it may be sent on
  Instant made;
  Instant due{};             // when the initiator begins the next, once it is in use
  wire::Authenticator by{};  // the key's block
  KeySource source = KeySource::qkd;
  Volume sent_before{};  // by the tunnel, under other keys
};

/// A receiving SA on its way out.
struct Retiring {
  Spi spi;
  Instant at;
};

/// The initiator waits for the store to give a key. The ML-KEM pair is made before: a key that was taken is offered.
struct Asking {
  std::optional<crypto::KemKeyPair> kem;
};

/// The initiator's exchange from its OFFER on.
struct Offering {
  Offer offer;
  wire::Authenticator by{};
  crypto::TunnelKey key;
  std::optional<crypto::KemKeyPair> kem;
  Instant since;
};

/// The same from its EXCHANGE on.
struct Exchanging {
  Exchange exchange;
  crypto::X25519KeyPair x25519;
  crypto::KemKeyPair kem;
  Instant since;
};

/// The responder's exchange until CONFIRM: what is to be installed then. The initiator may send on its receiving SA.
struct Accepting {
  Generation generation;
  Spi spi_out;
  SaKey key_out;
};

/// The responder waits for the store to answer for the offer's key.
struct Offered {
  Offer offer;
};

struct RekeyEngine::State {
  RekeySettings settings;
  crypto::Random* random = nullptr;
  std::deque<RekeyAction> actions;
  bool session = false;
  bool met = false;  // the peer's STANDING of this session has come
  bool ever_up = false;
  bool blocked = false;
  bool late = false;  // and said so
  std::uint64_t newest_epoch = 0;
  wire::KeyName keys_from;  // all before it were taken from the stock or passed over
  std::uint64_t rekeys = 0;
  std::uint64_t keys_taken = 0;
  std::optional<Instant> begun;  // the last exchange of this session
  std::optional<milliseconds> last_rekey_took;
  std::optional<Generation> current;
  std::vector<Retiring> retiring;
  std::optional<Asking> asking;
  std::optional<Offering> offering;
  std::optional<Offered> offered;
  std::optional<Accepting> accepting;
  std::optional<Exchanging> exchanging;
  std::optional<Instant> retry_at;
  std::optional<Instant> without_key_since;  // in this session, and under the current SAs
  std::optional<Volume> sent;                // by the tunnel, once told

  // The SAs and time (rekey_state.cpp).
  void send(RekeyMessage type, std::vector<std::byte> payload);
  /// The old receiving SA stays for packets that are on their way, but never beyond its lifetime.
  void retire_current(Instant now);
  void came_up(Instant now, Generation generation);
  /// How long from now the initiator keeps what comes up now: the interval. What did not come in its turn may have come
  /// with a thousand tunnels (all start, or the link is back): it draws its place in the interval, and they part.
  [[nodiscard]] milliseconds until_due(Instant now) const;
  /// What waits for an answer within the session.
  void give_up_exchange();
  /// Only once the initiator is known not to send on the accepted receiving SA, or its lifetime has ended.
  void drop_accepted();
  /// Its SAs end at once; there must be some.
  void end_current();
  void block(std::string reason);
  void named(const wire::KeyName& key);
  /// Before its time.
  void begin_wanted(Instant now);
  [[nodiscard]] bool may_begin() const;
  [[nodiscard]] bool rekey_due(Instant now) const;
  /// So much was sent by the current SAs that a rekey is due. Never two of them within one grace: who makes the tunnel
  /// carry much does not empty its stock at will.
  [[nodiscard]] bool due_by_volume() const;
  /// When a rekey that has not come is a danger: half way from where it is due to the key's end.
  [[nodiscard]] Instant late_at(const Generation& generation) const;
  /// What was sent by the current SAs.
  [[nodiscard]] Volume under_current() const;
  void do_what_is_due(Instant now);
  void arm();
  void send_standing();
  Result<> on_standing(const Standing& peer, Instant now);

  // One exchange (rekey_exchange.cpp).
  [[nodiscard]] Spi fresh_spi() const;
  [[nodiscard]] SaContext context(const Offer& offer, std::span<const std::byte> ciphertext) const;
  void begin_rekey(Instant now);
  Result<> on_offer(Offer offer, Instant now);
  void accept_offer(wire::Authenticator by, crypto::TunnelKey key, Instant now);
  Result<> on_accept(const Accept& accept, Instant now);
  void on_confirm(const Confirm& confirm, Instant now);
  void on_reject(const Reject& reject, Instant now);

  // Without a key of the stock (rekey_stopgap.cpp).
  [[nodiscard]] bool may_extend(const Generation& generation) const;
  /// When it dies, whatever happens.
  [[nodiscard]] Instant end_of(const Generation& generation) const;
  [[nodiscard]] std::uint64_t packets_max() const;
  [[nodiscard]] bool may_exchange() const;
  void extend_if_due(Instant now);
  /// The stock has none.
  void on_stock_empty(Instant now);
  [[nodiscard]] SaContext context(const Exchange& exchange, const Exchanged& answer) const;
  void begin_exchange(Instant now);
  Result<> on_exchange(const Exchange& exchange, Instant now);
  Result<> on_exchanged(const Exchanged& exchanged, Instant now);
};

}  // namespace cloister::vpn
