#include "appliance/vpn/pad_messages.hpp"

#include <limits>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::vpn {
namespace {

void write(wire::Writer& out, const PadEnd& end) {
  out.u64(end.newest_epoch).u64(end.epoch).u64(end.end).key_name(end.keys_from).key_name(end.hash_keys_from);
}

std::optional<PadEnd> read_end(wire::Reader& in) {
  const auto newest = in.u64();
  const auto epoch = in.u64();
  const auto end = in.u64();
  const auto keys_from = in.key_name();
  const auto hash_keys_from = in.key_name();
  if (!newest || !epoch || !end || !keys_from || !hash_keys_from) return std::nullopt;
  if (*epoch > *newest || *newest == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  return PadEnd{*newest, *epoch, *end, *keys_from, *hash_keys_from};
}

/// Another comes behind it.
bool usable(const std::optional<wire::KeyName>& name) {
  return name && name->index != std::numeric_limits<std::uint32_t>::max();
}

std::optional<std::vector<wire::KeyName>> read_names(wire::Reader& in) {
  const auto count = in.u16();
  if (!count || *count == 0 || *count > pad_keys_at_once) return std::nullopt;
  std::vector<wire::KeyName> names;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto name = in.key_name();
    if (!usable(name) || (!names.empty() && *name <= names.back())) return std::nullopt;
    names.push_back(*name);
  }
  return names;
}

}  // namespace

std::vector<std::byte> encode(const PadStanding& standing) {
  wire::Writer out;
  write(out, standing.sending);
  write(out, standing.receiving);
  return std::move(out).take();
}

std::vector<std::byte> encode(const PadOpen& open) {
  wire::Writer out;
  out.u64(open.epoch).key_name(open.key);
  return std::move(out).take();
}

std::vector<std::byte> encode(const PadOpened& opened) {
  wire::Writer out;
  out.u64(opened.epoch).u32(opened.spi.value);
  return std::move(out).take();
}

std::vector<std::byte> encode(const PadGive& give) {
  wire::Writer out;
  out.u64(give.epoch).u64(give.at).u16(static_cast<std::uint16_t>(give.keys.size()));
  for (const auto& name : give.keys) out.key_name(name);
  return std::move(out).take();
}

std::vector<std::byte> encode(const PadTaken& taken) {
  wire::Writer out;
  out.u64(taken.epoch).u64(taken.end);
  return std::move(out).take();
}

std::vector<std::byte> encode(const PadRefused& refused) {
  wire::Writer out;
  out.u64(refused.epoch).u64(refused.at);
  return std::move(out).take();
}

std::optional<AnyPadMessage> decode_pad_message(std::uint8_t type, std::span<const std::byte> payload) {
  wire::Reader in{payload};
  if (static_cast<PadMessage>(type) == PadMessage::standing) {
    const auto sending = read_end(in);
    const auto receiving = read_end(in);
    if (!sending || !receiving || !in.at_end()) return std::nullopt;
    return PadStanding{*sending, *receiving};
  }
  const auto epoch = in.u64();
  if (!epoch || *epoch == 0 || *epoch == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  switch (static_cast<PadMessage>(type)) {
    case PadMessage::open: {
      const auto name = in.key_name();
      if (!usable(name) || !in.at_end()) return std::nullopt;
      return PadOpen{*epoch, *name};
    }
    case PadMessage::opened: {
      const auto spi = in.u32();
      if (!spi || *spi < 256 || !in.at_end()) return std::nullopt;
      return PadOpened{*epoch, {*spi}};
    }
    case PadMessage::give: {
      const auto at = in.u64();
      if (!at) return std::nullopt;
      auto names = read_names(in);
      if (!names || !in.at_end()) return std::nullopt;
      return PadGive{*epoch, *at, std::move(*names)};
    }
    case PadMessage::taken:
    case PadMessage::refused: {
      const auto place = in.u64();
      if (!place || !in.at_end()) return std::nullopt;
      if (static_cast<PadMessage>(type) == PadMessage::taken) return PadTaken{*epoch, *place};
      return PadRefused{*epoch, *place};
    }
    case PadMessage::standing:
      break;
  }
  return std::nullopt;
}

}  // namespace cloister::vpn
