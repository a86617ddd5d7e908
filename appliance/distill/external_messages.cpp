#include "appliance/distill/external_messages.hpp"

#include <algorithm>
#include <set>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "hal/finished_key.hpp"

namespace cloister::distill {
namespace {

template <std::size_t Size>
bool read(wire::Reader& in, std::array<std::byte, Size>& out) {
  const auto bytes = in.bytes(Size);
  if (bytes) std::ranges::copy(*bytes, out.begin());
  return bytes.has_value();
}

}  // namespace

std::vector<std::byte> encode(const Offer& offer) {
  wire::Writer out;
  out.u32(offer.key_bits).u16(offer.at_once).u16(static_cast<std::uint16_t>(offer.ids.size()));
  for (const auto& id : offer.ids) out.text(id);
  return std::move(out).take();
}

std::optional<Offer> decode_offer(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  Offer offer;
  const auto key_bits = in.u32();
  const auto at_once = in.u16();
  const auto count = in.u16();
  if (!key_bits || !at_once || !count || *key_bits == 0 || *key_bits % 8 != 0 || *key_bits > offered_key_bits_max ||
      *at_once == 0 || *count == 0 || *count > offered_keys_max)
    return std::nullopt;
  offer.key_bits = *key_bits;
  offer.at_once = *at_once;
  for (std::size_t i = 0; i < *count; ++i) {
    auto id = in.text(hal::key_id_characters_max);
    if (!id || !hal::is_key_id(*id)) return std::nullopt;
    offer.ids.push_back(std::move(*id));
  }
  if (!in.at_end() || std::set(offer.ids.begin(), offer.ids.end()).size() != offer.ids.size()) return std::nullopt;
  return offer;
}

std::vector<std::byte> encode(const Check& check) {
  wire::Writer out;
  out.bytes(check.key.key).bytes(check.tag);
  return std::move(out).take();
}

std::optional<Check> decode_check(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  Check check{};
  if (!read(in, check.key.key) || !read(in, check.tag) || !in.at_end()) return std::nullopt;
  return check;
}

std::vector<std::byte> encode_external_drop(DropReason reason) {
  return {std::byte{reason == DropReason::kmes_disagree}};
}

std::optional<DropReason> decode_external_drop(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  const auto disagree = in.u8();
  if (!disagree || *disagree > 1 || !in.at_end()) return std::nullopt;
  return *disagree == 1 ? DropReason::kmes_disagree : DropReason::kme_failed;
}

}  // namespace cloister::distill
