#include "appliance/box/agreement.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <span>
#include <utility>

#include "appliance/session/greeting.hpp"
#include "crypto/kdf.hpp"

namespace cloister::box {
namespace {

constexpr std::size_t tunnels_in_words_max = 100;

std::string joined(const std::vector<config::Prefix>& prefixes) {
  std::vector<std::string> texts;
  for (const auto& prefix : prefixes) texts.push_back(prefix.to_string());
  std::ranges::sort(texts);
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::string joined(const std::vector<double>& numbers) {
  std::string all;
  for (const double number : numbers) all += std::format("{}{}", all.empty() ? "" : ", ", number);
  return all;
}

/// The values at the two boxes, in the order of the boxes' names.
std::string at_both(const std::string& box, const std::string& here, const std::string& peer,
                    const std::string& there) {
  auto first = std::pair{box, here};
  auto second = std::pair{peer, there};
  if (peer < box) std::swap(first, second);
  return std::format("{} at {}, {} at {}", first.second, first.first, second.second, second.first);
}

std::string tunnel_lines(const std::string& box, const std::string& peer, const config::Tunnel& tunnel) {
  const std::string name = "tunnel." + tunnel.name;
  std::string lines;
  lines += std::format("{}.subnets={}\n", name,
                       at_both(box, joined(tunnel.local_subnets), peer, joined(tunnel.remote_subnets)));
  lines += std::format("{}.rekey_interval={} ms\n", name, tunnel.rekey_interval.count());
  lines += std::format("{}.key_lifetime={} ms\n", name, tunnel.key_lifetime.count());
  lines += std::format("{}.stock={}\n", name, tunnel.stock);
  lines += std::format("{}.hybrid={}\n", name, tunnel.hybrid);
  return lines;
}

std::string bootstrap_of(const config::Bootstrap& bootstrap) {
  std::string by = bootstrap.trust.empty() ? "" : "pinned keys";
  if (!bootstrap.ca.empty()) by = "certificates";
  if (by.empty()) return "psk";
  return bootstrap.psk.empty() ? by : by + " and psk";
}

std::string digest_line(const std::string& name, const std::string& lines) {
  std::array<std::byte, 8> digest{};
  crypto::hkdf_sha256(std::as_bytes(std::span{lines}), {}, {}, digest);
  std::string hex;
  for (const auto byte : digest) hex += std::format("{:02x}", std::to_integer<unsigned>(byte));
  return std::format("tunnel.{}={}\n", name, hex);
}

}  // namespace

Result<std::string> agreement_of(const std::string& box, const config::Link& link,
                                 const std::vector<const config::Tunnel*>& tunnels) {
  const auto& d = link.distillation;
  const bool transmits = link.device.role == config::DeviceRole::alice;
  std::string lines;
  lines += std::format("bootstrap={}\n", bootstrap_of(link.bootstrap));
  lines += std::format("device.role={}\n",
                       at_both(box, transmits ? "alice" : "bob", link.peer, transmits ? "bob" : "alice"));
  lines += std::format("distillation.bound={}\n", d.bound);
  lines += std::format("distillation.intensities=[{}]\n", joined(d.intensities));
  lines += std::format("distillation.probabilities=[{}]\n", joined(d.probabilities));
  lines += std::format("distillation.epsilon_budget={}\n", d.epsilon_budget);
  lines += std::format("distillation.planned_years={}\n", d.planned_years);
  lines += std::format("distillation.planned_blocks_per_second={}\n", d.planned_blocks_per_second);
  lines += std::format("distillation.qber_limit={}\n", d.qber_limit);
  lines += std::format("distillation.block_bits={}\n", d.block_bits);
  lines += std::format("authentication.reserve={} bytes\n", link.authentication.reserve_bytes);
  for (const auto* tunnel : tunnels) {
    const auto all = tunnel_lines(box, link.peer, *tunnel);
    lines += tunnels.size() <= tunnels_in_words_max ? all : digest_line(tunnel->name, all);
  }
  if (lines.size() > session::agreement_bytes_max)
    return fail(
        std::format("has {} tunnels, whose description takes {} bytes of the {} that two boxes compare: shorten the "
                    "tunnels' names, or spread them over several links",
                    tunnels.size(), lines.size(), session::agreement_bytes_max));
  return lines;
}

}  // namespace cloister::box
