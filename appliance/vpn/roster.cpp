#include "appliance/vpn/roster.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <ranges>
#include <set>
#include <string_view>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "crypto/digest.hpp"

namespace cloister::vpn {
namespace {

enum class RosterMessage : std::uint8_t { list = 1, seen = 2 };

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (const auto line : std::views::split(text, '\n')) {
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

/// Lines that one has and the other has not, as "'a' here, 'b' there".
std::string difference(std::string_view here, std::string_view there) {
  const auto ours = lines_of(here);
  const auto theirs = lines_of(there);
  std::string all;
  for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    const auto our_line = i < ours.size() ? ours[i] : std::string_view{"nothing"};
    const auto their_line = i < theirs.size() ? theirs[i] : std::string_view{"nothing"};
    if (our_line == their_line) continue;
    all += std::format("{}'{}' here, '{}' there", all.empty() ? "" : "; ", our_line, their_line);
  }
  return all;
}

/// They come from the peer, and go into the log.
bool readable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

}  // namespace

wire::TunnelId id_of(const TunnelTerms& tunnel) {
  wire::Writer whole;
  whole.text(tunnel.name).bytes(std::as_bytes(std::span{tunnel.terms}));
  const std::string digest = crypto::sha256_hex(whole.view());
  wire::TunnelId id;
  std::from_chars(digest.data(), digest.data() + 2 * sizeof id.value, id.value, 16);
  return id;
}

Result<std::vector<std::byte>> encode(const RosterList& list) {
  wire::Writer out;
  out.u32(list.version).u16(static_cast<std::uint16_t>(list.tunnels.size()));
  for (const auto& tunnel : list.tunnels) {
    if (tunnel.terms.size() > tunnel_terms_bytes_max)
      return fail(
          std::format("tunnel '{}' has more subnets than two boxes can compare: {} bytes, {} at most: give "
                      "wider ones, or spread them over several tunnels",
                      tunnel.name, tunnel.terms.size(), tunnel_terms_bytes_max));
    out.text(tunnel.name).text(tunnel.terms);
  }
  if (list.tunnels.size() > roster_tunnels_max || out.size() > roster_bytes_max)
    return fail(
        std::format("{} tunnels with a description of {} bytes are more than two boxes can compare ({} and {}): "
                    "spread them over several links",
                    list.tunnels.size(), out.size(), roster_tunnels_max, roster_bytes_max));
  return std::move(out).take();
}

std::optional<RosterList> decode_roster_list(std::span<const std::byte> payload) {
  if (payload.size() > roster_bytes_max) return std::nullopt;
  wire::Reader in{payload};
  const auto version = in.u32();
  const auto count = in.u16();
  if (!version || !count || *count > roster_tunnels_max) return std::nullopt;
  RosterList list{.version = *version, .tunnels = {}};
  std::set<std::string> names;
  for (std::size_t i = 0; i < *count; ++i) {
    auto name = in.text(tunnel_name_bytes_max);
    auto terms = in.text(tunnel_terms_bytes_max);
    if (!name || !terms || !readable(*name) || !readable(*terms) || !names.insert(*name).second) return std::nullopt;
    list.tunnels.push_back({std::move(*name), std::move(*terms)});
  }
  if (!in.at_end()) return std::nullopt;
  return list;
}

Roster::Roster(std::string peer_box, std::vector<TunnelTerms> tunnels)
    : peer_box_{std::move(peer_box)}, own_{std::move(tunnels)} {}

void Roster::on_session_up() {
  on_session_down();
  session_ = true;
  version_ = 0;
  since_.clear();
  say();
}

void Roster::on_session_down() {
  session_ = false;
  seen_ = 0;
  peer_.reset();
  theirs_.clear();
  messages_.clear();
}

void Roster::change(std::vector<TunnelTerms> tunnels) {
  own_ = std::move(tunnels);
  if (session_) say();
  if (peer_) compare();
}

/// The list of own tunnels, which was checked when it was configured.
void Roster::say() {
  ++version_;
  const auto earlier = std::exchange(since_, {});
  for (const auto& tunnel : own_) {
    const auto id = id_of(tunnel);
    const auto known = earlier.find(id);
    since_.emplace(id, known == earlier.end() ? version_ : known->second);
  }
  auto payload = encode(RosterList{version_, own_});
  require(payload.has_value(), "a roster that was not checked");
  messages_.push_back({static_cast<std::uint8_t>(RosterMessage::list), std::move(*payload)});
}

Result<> Roster::on_message(std::uint8_t type, std::span<const std::byte> payload) {
  if (type == static_cast<std::uint8_t>(RosterMessage::seen)) {
    wire::Reader in{payload};
    const auto version = in.u32();
    if (!version || !in.at_end() || *version > version_ || *version < seen_)
      return fail("the peer has seen a list of tunnels that was never sent");
    seen_ = *version;
    return {};
  }
  if (type != static_cast<std::uint8_t>(RosterMessage::list))
    return fail(std::format("a roster message of unknown type {}", type));
  auto list = decode_roster_list(payload);
  if (!list) return fail(std::format("the peer's list of tunnels, of {} bytes, is none", payload.size()));
  if (list->version != (peer_ ? peer_->version : 0) + 1)
    return fail(std::format("the peer's list of tunnels number {} is out of turn", list->version));
  peer_ = std::move(list);
  theirs_.clear();
  for (const auto& tunnel : peer_->tunnels) theirs_.emplace(id_of(tunnel), tunnel.name);
  wire::Writer seen;
  seen.u32(peer_->version);
  messages_.push_back({static_cast<std::uint8_t>(RosterMessage::seen), std::move(seen).take()});
  compare();
  return {};
}

std::optional<Roster::Message> Roster::next_message() {
  if (messages_.empty()) return std::nullopt;
  Message message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

bool Roster::shared(wire::TunnelId tunnel) const {
  const auto own = since_.find(tunnel);
  return own != since_.end() && own->second <= seen_ && theirs_.contains(tunnel);
}

void Roster::compare() {
  differences_.clear();
  std::map<std::string_view, std::string_view> theirs;
  for (const auto& tunnel : peer_->tunnels) theirs.emplace(tunnel.name, tunnel.terms);
  for (const auto& tunnel : own_) {
    const auto found = theirs.extract(tunnel.name);
    if (found.empty())
      differences_.emplace(tunnel.name, std::format("box '{}' has no tunnel of this name", peer_box_));
    else if (found.mapped() != tunnel.terms)
      differences_.emplace(tunnel.name, difference(tunnel.terms, found.mapped()));
  }
  for (const auto& [name, terms] : theirs)
    differences_.emplace(name, std::format("box '{}' has a tunnel of this name, this box has none", peer_box_));
}

}  // namespace cloister::vpn
