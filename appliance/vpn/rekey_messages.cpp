#include "appliance/vpn/rekey_messages.hpp"

#include <algorithm>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "crypto/kem.hpp"

namespace cloister::vpn {
namespace {

/// The rest of the message, which is one KEM value of this length or nothing.
std::optional<std::vector<std::byte>> kem_part(wire::Reader& in, bool hybrid, std::size_t bytes) {
  const auto rest = in.rest();
  if (rest.size() != (hybrid ? bytes : 0)) return std::nullopt;
  return std::vector<std::byte>(rest.begin(), rest.end());
}

std::optional<crypto::X25519Public> x25519_part(wire::Reader& in) {
  const auto bytes = in.bytes(crypto::x25519_public_bytes);
  if (!bytes) return std::nullopt;
  crypto::X25519Public key{};
  std::ranges::copy(*bytes, key.begin());
  return key;
}

bool usable(const std::optional<std::uint32_t>& spi) { return spi && *spi >= 256; }

}  // namespace

std::vector<std::byte> encode(const Standing& standing) {
  wire::Writer out;
  out.u64(standing.newest_epoch).u64(standing.in_use).u64(standing.accepted).key_name(standing.keys_from);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Offer& offer) {
  wire::Writer out;
  out.u64(offer.epoch).key_name(offer.key_name).u32(offer.spi.value).bytes(offer.kem_public);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Accept& accept) {
  wire::Writer out;
  out.u64(accept.epoch).u32(accept.spi.value).bytes(accept.kem_ciphertext);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Confirm& confirm) {
  wire::Writer out;
  out.u64(confirm.epoch);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Reject& reject) {
  wire::Writer out;
  out.u64(reject.epoch);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Wish& wish) {
  wire::Writer out;
  out.u64(wish.epoch);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Exchange& exchange) {
  wire::Writer out;
  out.u64(exchange.epoch).u32(exchange.spi.value).bytes(exchange.x25519).bytes(exchange.kem_public);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Exchanged& exchanged) {
  wire::Writer out;
  out.u64(exchanged.epoch).u32(exchanged.spi.value).bytes(exchanged.x25519).bytes(exchanged.kem_ciphertext);
  return std::move(out).take();
}

std::optional<AnyRekeyMessage> decode_rekey(std::uint8_t type, std::span<const std::byte> payload, bool hybrid) {
  wire::Reader in{payload};
  const auto epoch = in.u64();
  if (!epoch) return std::nullopt;
  switch (static_cast<RekeyMessage>(type)) {
    case RekeyMessage::standing: {
      const auto in_use = in.u64();
      const auto accepted = in.u64();
      const auto keys_from = in.key_name();
      if (!in_use || !accepted || !keys_from || !in.at_end()) return std::nullopt;
      return Standing{*epoch, *in_use, *accepted, *keys_from};
    }
    case RekeyMessage::offer: {
      const auto name = in.key_name();
      const auto spi = in.u32();
      if (!name || !usable(spi)) return std::nullopt;
      auto kem = kem_part(in, hybrid, crypto::kem_public_bytes);
      if (!kem) return std::nullopt;
      return Offer{*epoch, *name, {*spi}, std::move(*kem)};
    }
    case RekeyMessage::accept: {
      const auto spi = in.u32();
      if (!usable(spi)) return std::nullopt;
      auto kem = kem_part(in, hybrid, crypto::kem_ciphertext_bytes);
      if (!kem) return std::nullopt;
      return Accept{*epoch, {*spi}, std::move(*kem)};
    }
    case RekeyMessage::exchange: {
      const auto spi = in.u32();
      const auto x25519 = x25519_part(in);
      if (!usable(spi) || !x25519) return std::nullopt;
      auto kem = kem_part(in, true, crypto::kem_public_bytes);
      if (!kem) return std::nullopt;
      return Exchange{*epoch, {*spi}, *x25519, std::move(*kem)};
    }
    case RekeyMessage::exchanged: {
      const auto spi = in.u32();
      const auto x25519 = x25519_part(in);
      if (!usable(spi) || !x25519) return std::nullopt;
      auto kem = kem_part(in, true, crypto::kem_ciphertext_bytes);
      if (!kem) return std::nullopt;
      return Exchanged{*epoch, {*spi}, *x25519, std::move(*kem)};
    }
    case RekeyMessage::confirm:
      if (!in.at_end()) return std::nullopt;
      return Confirm{*epoch};
    case RekeyMessage::reject:
      if (!in.at_end()) return std::nullopt;
      return Reject{*epoch};
    case RekeyMessage::wish:
      if (!in.at_end()) return std::nullopt;
      return Wish{*epoch};
  }
  return std::nullopt;
}

}  // namespace cloister::vpn
