#include "appliance/box/agreement.hpp"

#include <algorithm>
#include <format>
#include <utility>

#include "appliance/box/link_parts.hpp"

namespace cloister::box {
namespace {

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

std::string bootstrap_of(const config::Bootstrap& bootstrap) {
  std::string by = bootstrap.trust.empty() && bootstrap.vouched.by.empty() ? "" : "pinned keys";
  if (!bootstrap.ca.empty()) by = "certificates";
  if (by.empty()) return "psk";
  return bootstrap.psk.empty() ? by : by + " and psk";
}

std::string any_or(std::uint64_t most) { return most == 0 ? "any" : std::format("{}", most); }

std::string without_keys(const config::Tunnel& tunnel) {
  switch (tunnel.when_keys_run_out) {
    case config::WhenKeysRunOut::block:
      return "block";
    case config::WhenKeysRunOut::extend:
      return std::format("extend for {} ms", tunnel.extend_for.count());
    case config::WhenKeysRunOut::pqc:
      return "pqc";
  }
  return "";
}

std::string authentication_of(const config::Link& link) {
  return std::format("authentication.policy={}\nauthentication.reserve={} bytes\n",
                     to_string(policy_of(link.authentication)), link.authentication.reserve_bytes);
}

}  // namespace

std::string agreement_of(const std::string& box, const config::Link& link) {
  const auto& d = link.distillation;
  const bool transmits = link.device.role == config::DeviceRole::alice;
  std::string lines;
  lines += std::format("bootstrap={}\n", bootstrap_of(link.bootstrap));
  lines += std::format("device.role={}\n",
                       at_both(box, transmits ? "alice" : "bob", link.peer, transmits ? "bob" : "alice"));
  if (link.device.gives_finished_keys()) {
    const auto& kme = link.device.etsi014;
    lines += "device.driver=etsi014\n";
    lines += std::format("device.etsi014.sae={}\n", at_both(box, kme.own_sae, link.peer, kme.peer_sae));
    lines += std::format("device.etsi014.key_size={}\n", kme.key_size_bits);
    return lines + authentication_of(link);
  }
  lines += std::format("distillation.bound={}\n", d.bound);
  lines += std::format("distillation.intensities=[{}]\n", joined(d.intensities));
  lines += std::format("distillation.probabilities=[{}]\n", joined(d.probabilities));
  lines += std::format("distillation.epsilon_budget={}\n", d.epsilon_budget);
  lines += std::format("distillation.planned_years={}\n", d.planned_years);
  lines += std::format("distillation.planned_blocks_per_second={}\n", d.planned_blocks_per_second);
  lines += std::format("distillation.qber_limit={}\n", d.qber_limit);
  lines += std::format("distillation.block_bits={}\n", d.block_bits);
  return lines + authentication_of(link);
}

std::string terms_of(const std::string& box, const std::string& peer, const config::Tunnel& tunnel) {
  std::string lines;
  lines += std::format("subnets={}\n",
                       tunnel.routing == config::Routing::kernel
                           ? "by the kernel's routing tables"
                           : at_both(box, joined(tunnel.local_subnets), peer, joined(tunnel.remote_subnets)));
  lines += std::format("dscp={}\n", tunnel.dscp ? "not copied" : "copy");
  if (tunnel.cipher == config::Cipher::one_time_pad)
    return lines + std::format("cipher=one-time-pad\npad={} bytes\n", tunnel.pad_bytes);
  lines += std::format("constant_packets_per_second={}\n", any_or(tunnel.constant_packets_per_second));
  lines += std::format("rekey_interval={} ms\n", tunnel.rekey_interval.count());
  lines += std::format("key_lifetime={} ms\n", tunnel.key_lifetime.count());
  lines += std::format("rekey_bytes={}\n", any_or(tunnel.rekey_bytes));
  lines += std::format("rekey_packets={}\n", any_or(tunnel.rekey_packets));
  lines += std::format("stock={}\n", tunnel.stock);
  lines += std::format("when_keys_run_out={}\n", without_keys(tunnel));
  lines += std::format("hybrid={}\n", tunnel.hybrid);
  return lines;
}

}  // namespace cloister::box
