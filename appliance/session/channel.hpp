#pragma once
/// What one TCP connection of a session owns: from its greeting to its loss.

#include <optional>
#include <vector>

#include "appliance/hooks/handshake.hpp"
#include "appliance/session/frame.hpp"
#include "appliance/session/greeting.hpp"
#include "appliance/session/session.hpp"
#include "appliance/session/transcript.hpp"
#include "crypto/gf128.hpp"
#include "crypto/kdf.hpp"

namespace cloister::session {

enum class Phase { greeting, bootstrapping, readying, leasing, established };

using TagSecret = crypto::Secret<struct TagSecretRole, 64>;

/// Tags without pads of the reserve: hash key and pads are derived from a secret of one session, by HKDF-SHA-512. The hash
/// key is not that of the reserve: whoever breaks the derivation learns this one, and nothing of tags that are paid for.
struct DerivedTags {
  /// `info` tells it from all else that is derived from `secret`.
  DerivedTags(std::span<const std::byte> secret, std::span<const std::byte> info);
  /// Each pad is for one block and one direction of the session.
  [[nodiscard]] crypto::TagPad pad(wire::BlockId block, std::size_t direction) const;
  TagSecret secret;
  crypto::HashKey hash_key;
};
/// From the QKD key of a channel.
[[nodiscard]] DerivedTags computational_tags(const crypto::MacKey& channel_key, const SessionId& session);

/// What the TLS exporter gave; wiped when QKD key has taken over.
struct BootstrapKeys {
  explicit BootstrapKeys(crypto::BootstrapSecret exported);
  crypto::BootstrapSecret secret;
  DerivedTags tags;
};

struct Channel {
  Phase phase = Phase::greeting;
  FrameStream incoming;
  std::uint64_t next_sent = 0;
  std::uint64_t next_received = 0;
  std::vector<std::byte> own_greeting;
  std::vector<std::byte> peer_greeting;
  Greeting peer;
  SessionId id{};
  std::uint64_t number = 0;  // the session's count of connections
  std::optional<hooks::Handshake> handshake;
  bool handshake_away = false;           // its step is being done, or waits for that
  std::optional<AdvanceHandshake> step;  // that waits, for one of an earlier connection
  std::optional<std::string> closed;     // by the peer, meanwhile: why; what it had sent before is read first
  std::optional<BootstrapKeys> bootstrap;
  std::optional<DerivedTags> computational;  // once a block that may end so is begun
  bool greets_later = false;                 // what the peer says waits
  bool own_bootstraps = true;                // as greeted
  bool awaits_note = false;                  // that the link has bootstrapped
  std::optional<crypto::MacKey> send_key;
  std::optional<crypto::MacKey> receive_key;
  bool sends_by_qkd = false;  // our frames from now on are under QKD key
  bool receives_by_qkd = false;
  bool switched = false;                        // both, and no block is left under bootstrap keys
  std::optional<wire::BlockId> switch_awaited;  // the peer has switched by a block that we do not hold yet
  // The sealed reserve.
  std::uint64_t own_counter = 0;  // as greeted
  std::uint64_t granted_counter = 0;
  std::uint64_t own_sealed_bits = 0;
  std::vector<GenerationId> own_sealed;
  std::optional<GenerationId> generation;   // that both have: the channel is keyed by it
  bool granted_told = false;                // to the peer, that its chunk is granted
  bool peer_opened = false;                 // the peer has its chunk
  std::optional<GenerationId> peer_stored;  // the newest that the peer says it has stored
  Instant deadline{};                       // of greeting and bootstrap
  Instant last_received{};
  Instant next_keep_alive{};
  Instant established_at{};
};

/// Direction keys of a session: client to server, server to client.
struct DirectionKeys {
  crypto::MacKey client;
  crypto::MacKey server;
};
/// From a secret and what names the session.
[[nodiscard]] DirectionKeys direction_keys(std::span<const std::byte> secret, std::string_view label,
                                           std::span<const std::byte> context);

/// A digest of both greetings, the client's first.
[[nodiscard]] crypto::Mac256 greetings_digest(std::span<const std::byte> client, std::span<const std::byte> server);

}  // namespace cloister::session
