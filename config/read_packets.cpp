#include "config/read_packets.hpp"

#include <algorithm>
#include <expected>
#include <format>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "config/kinds.hpp"

namespace cloister::config {
namespace {

constexpr unsigned dscp_max = 63;  // RFC 2474, section 3: six bits
constexpr std::size_t classes_max = 16;

const Kind<unsigned>& a_code_point() {
  static const auto kind = within(a_whole<unsigned>("a DSCP: expected a whole number"), 0U, dscp_max);
  return kind;
}

Kind<std::optional<unsigned>> a_dscp() {
  Kind<std::optional<unsigned>> kind;
  kind.parse = [](const std::string& text) -> std::optional<std::optional<unsigned>> {
    if (text == "copy") return std::optional<unsigned>{};
    const auto number = a_code_point().parse(text);
    if (!number) return std::nullopt;  // an empty one within would be 'copy'
    return std::optional<std::optional<unsigned>>{std::in_place, *number};
  };
  kind.show = [](const std::optional<unsigned>& dscp) { return dscp ? std::to_string(*dscp) : "copy"; };
  kind.expected = "a DSCP: expected 0 to 63, or 'copy' (that of the packet inside)";
  kind.shape = Shape::number_or_text;
  return kind;
}

void read_pad_to(Section& section, Tunnel& tunnel) {
  const std::string key = "pad_to";
  const auto parse = [&](const std::string& text) -> std::expected<unsigned, std::string> {
    const auto kind = within(a_whole<unsigned>("a length: expected a whole number of bytes"), 64U, 1900U);
    if (const auto length = kind.parse(text)) return *length;
    return std::unexpected{kind.refuse(text)};
  };
  section.read_list(key, tunnel.pad_to, parse, [](unsigned length) { return std::to_string(length); },
                    {.expected = "a length in bytes, from 64 to the mtu", .shape = Shape::whole});
  if (!std::ranges::is_sorted(tunnel.pad_to, std::less_equal{}))
    section.error(key, "expected lengths that ascend, each once");
  if (!tunnel.pad_to.empty() && tunnel.pad_to.back() > tunnel.mtu)
    section.error(
        key, std::format("{} is more than the mtu, {}: no packet could be so long", tunnel.pad_to.back(), tunnel.mtu));
  if (tunnel.pad_to.size() > classes_max)
    section.error(key, std::format("expected at most {} lengths: the fewer, the less they say", classes_max));
}

}  // namespace

void read_packets(Section& section, Tunnel& tunnel) {
  section.read("clamp_mss", tunnel.clamp_mss, a_truth());
  section.read("fragment_outer", tunnel.fragment_outer, a_truth());
  section.read("dscp", tunnel.dscp, a_dscp());
  read_pad_to(section, tunnel);
}

}  // namespace cloister::config
