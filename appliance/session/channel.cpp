#include "appliance/session/channel.hpp"

#include <algorithm>
#include <string_view>

#include "appliance/wire/writer.hpp"
#include "crypto/key_log.hpp"

namespace cloister::session {
namespace {

constexpr std::string_view salt = "cloister channel v1";
constexpr std::string_view bootstrap_label = "bootstrap tags";

void derive(std::span<const std::byte> secret, std::span<const std::byte> info, std::span<std::byte> out) {
  crypto::hkdf_sha512(secret, std::as_bytes(std::span{salt}), info, out);
}

}  // namespace

DerivedTags::DerivedTags(std::span<const std::byte> from, std::span<const std::byte> info) {
  derive(from, info, secret.fill());
  constexpr std::string_view label = "hash key";
  derive(secret.expose(), std::as_bytes(std::span{label}), hash_key.fill());
  crypto::log_secret("secret of derived tags", secret.expose());
  crypto::log_secret("hash key of derived tags", hash_key.expose());
}

DerivedTags computational_tags(const crypto::MacKey& channel_key, const SessionId& session) {
  wire::Writer info;
  info.text("computational tags").bytes(session);
  return {channel_key.expose(), info.view()};
}

BootstrapKeys::BootstrapKeys(crypto::BootstrapSecret exported)
    : secret{std::move(exported)}, tags{secret.expose(), std::as_bytes(std::span{bootstrap_label})} {
  crypto::log_secret("bootstrap secret", secret.expose());
}

crypto::TagPad DerivedTags::pad(wire::BlockId block, std::size_t direction) const {
  wire::Writer info;
  info.text("pad").block_id(block).u64(direction);
  crypto::TagPad pad;
  derive(secret.expose(), info.view(), pad.fill());
  return pad;
}

DirectionKeys direction_keys(std::span<const std::byte> secret, std::string_view label,
                             std::span<const std::byte> context) {
  crypto::Secret<struct BothDirectionsRole, 2 * crypto::MacKey::size> both;
  wire::Writer info;
  info.text(label).bytes(context);
  derive(secret, info.view(), both.fill());
  crypto::log_secret("frame keys", both.expose());
  DirectionKeys keys;
  std::ranges::copy(both.expose().first<crypto::MacKey::size>(), keys.client.fill().begin());
  std::ranges::copy(both.expose().last<crypto::MacKey::size>(), keys.server.fill().begin());
  return keys;
}

crypto::Mac256 greetings_digest(std::span<const std::byte> client, std::span<const std::byte> server) {
  wire::Writer length;
  length.u64(client.size()).bytes(client);
  return crypto::hmac_sha256(std::as_bytes(std::span{salt}), length.view(), server);
}

}  // namespace cloister::session
