#include "appliance/session/greeting.hpp"

#include <algorithm>
#include <format>
#include <sstream>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::session {
namespace {

constexpr std::uint32_t magic = 0x434C4F49;  // "CLOI"
constexpr std::size_t name_bytes_max = 128;

template <std::size_t Size>
bool read_array(wire::Reader& in, std::array<std::byte, Size>& out) {
  const auto bytes = in.bytes(Size);
  if (!bytes) return false;
  std::ranges::copy(*bytes, out.begin());
  return true;
}

bool read_text(wire::Reader& in, std::string& out, std::size_t limit) {
  auto text = in.text(limit);
  if (!text) return false;
  out = std::move(*text);
  return true;
}

bool read_sealed(wire::Reader& in, Greeting& greeting) {
  const auto own = in.u64();
  const auto granted = in.u64();
  const auto bits = in.u64();
  const auto count = in.u8();
  if (!own || !granted || !bits || !count || *count > greeting_sealed_max) return false;
  greeting.own_counter = *own;
  greeting.granted_counter = *granted;
  greeting.sealed_bits = *bits;
  for (std::size_t i = 0; i < *count; ++i) {
    if (!read_array(in, greeting.sealed.emplace_back())) return false;
  }
  return true;
}

bool read_truth(wire::Reader& in, bool& out) {
  const auto value = in.u8();
  if (!value || *value > 1) return false;
  out = *value == 1;
  return true;
}

bool read_held(wire::Reader& in, std::vector<wire::BlockId>& out) {
  const auto count = in.u16();
  if (!count || *count > greeting_held_max) return false;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto block = in.block_id();
    if (!block || (!out.empty() && *block <= out.back())) return false;
    out.push_back(*block);
  }
  return true;
}

}  // namespace

std::vector<std::byte> encode(const Greeting& greeting) {
  wire::Writer out;
  out.u32(magic).u16(greeting_version).text(greeting.link).text(greeting.box).text(greeting.peer).u8(greeting.side);
  out.bytes(greeting.life)
      .bytes(greeting.known_peer_life)
      .bytes(greeting.nonce)
      .u64(greeting.next_block)
      .u64(greeting.channel_block);
  out.u16(static_cast<std::uint16_t>(greeting.held.size()));
  for (const auto& block : greeting.held) out.block_id(block);
  out.u8(greeting.bootstraps ? 1 : 0);
  out.u64(greeting.own_counter).u64(greeting.granted_counter).u64(greeting.sealed_bits);
  out.u8(static_cast<std::uint8_t>(greeting.sealed.size()));
  for (const auto& generation : greeting.sealed) out.bytes(generation);
  out.text(greeting.agreement);
  return std::move(out).take();
}

std::optional<Greeting> decode_greeting(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  Greeting greeting;
  if (in.u32() != magic || in.u16() != greeting_version) return std::nullopt;
  if (!read_text(in, greeting.link, name_bytes_max) || !read_text(in, greeting.box, name_bytes_max) ||
      !read_text(in, greeting.peer, name_bytes_max))
    return std::nullopt;
  const auto side = in.u8();
  if (!side || *side > 1) return std::nullopt;
  greeting.side = *side;
  if (!read_array(in, greeting.life) || !read_array(in, greeting.known_peer_life) || !read_array(in, greeting.nonce))
    return std::nullopt;
  const auto next_block = in.u64();
  const auto channel_block = in.u64();
  if (!next_block || *next_block == 0 || !channel_block) return std::nullopt;
  greeting.next_block = *next_block;
  greeting.channel_block = *channel_block;
  if (!read_held(in, greeting.held) || !read_truth(in, greeting.bootstraps) || !read_sealed(in, greeting) ||
      !read_text(in, greeting.agreement, agreement_bytes_max) || !in.at_end())
    return std::nullopt;
  return greeting;
}

std::optional<std::uint16_t> other_version(std::span<const std::byte> payload) {
  wire::Reader in{payload};
  if (in.u32() != magic) return std::nullopt;
  const auto said = in.u16();
  return said == greeting_version ? std::nullopt : said;
}

std::optional<std::string> first_difference(const std::string& here, const std::string& there) {
  std::istringstream ours{here};
  std::istringstream theirs{there};
  for (;;) {
    std::string our_line;
    std::string their_line;
    const bool ours_left = static_cast<bool>(std::getline(ours, our_line));
    const bool theirs_left = static_cast<bool>(std::getline(theirs, their_line));
    if (!ours_left && !theirs_left) return std::nullopt;
    if (our_line != their_line || ours_left != theirs_left) {
      if (!ours_left) return std::format("the peer has '{}', nothing stands for it here", their_line);
      if (!theirs_left) return std::format("here is '{}', the peer has nothing for it", our_line);
      return std::format("'{}' here, '{}' there", our_line, their_line);
    }
  }
}

}  // namespace cloister::session
