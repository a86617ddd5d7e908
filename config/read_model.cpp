#include "config/read_model.hpp"

#include <algorithm>
#include <format>

#include "config/constant_rate.hpp"
#include "config/cross_checks.hpp"
#include "config/kinds.hpp"
#include "config/read_bootstrap.hpp"
#include "config/read_device.hpp"
#include "config/read_distillation.hpp"
#include "config/read_operation.hpp"
#include "config/read_packets.hpp"
#include "config/read_routing.hpp"
#include "config/units.hpp"

namespace cloister::config {
namespace {

/// Of one family, and two places where one box each can be.
void expect_a_pair(Section& section, const std::string& key, const Endpoint& local, const Endpoint& peer) {
  if (local.port == 0 || peer.port == 0) return;  // told already
  if (local.family != peer.family)
    section.error(key, "is of another address family than its local counterpart: both must be IPv4, or both IPv6");
  else if (!is_one_host(peer))
    section.error(key, std::format("{} is no address of one box", peer.address));
  else if (local == peer)
    section.error(key, "is the local one too: name the other box's");
}

std::expected<unsigned, std::string> parse_pcr(const std::string& text) {
  constexpr unsigned pcr_max = 23;
  if (const auto pcr = within(a_whole<unsigned>("a PCR: expected 0 to 23"), 0U, pcr_max).parse(text)) return *pcr;
  return std::unexpected{std::format("'{}' is not a PCR: expected 0 to {}", text, pcr_max)};
}

void read_pcrs(Section& section, const char* key, std::vector<unsigned>& pcrs) {
  section.read_list(key, pcrs, parse_pcr, [](unsigned pcr) { return std::to_string(pcr); },
                    {.expected = "a PCR, 0 to 23", .shape = Shape::whole});
  std::ranges::sort(pcrs);
  if (std::ranges::adjacent_find(pcrs) != pcrs.end()) section.error(key, "names one PCR twice");
}

Tpm read_tpm(Section section) {
  Tpm tpm;
  section.read("tcti", tpm.tcti, a_text("a TPM's name"));
  read_pcrs(section, "pcrs", tpm.pcrs);
  section.read_optional("policy_key", tpm.policy_key, a_path());
  section.read("policy_signatures", tpm.policy_signatures, a_path());
  section.read("generations", tpm.generations, a_truth());
  if (tpm.generations && tpm.pcrs.empty())
    section.error("generations", "are named by signatures of PCRs: set 'pcrs' and 'policy_key' too");
  // What the firmware has started: 4 as a boot loader or kernel, 11 as systemd-stub's kernel image.
  else if (tpm.generations && !std::ranges::contains(tpm.pcrs, 4U) && !std::ranges::contains(tpm.pcrs, 11U))
    section.error(
        "generations",
        "tell images apart, and none of 'pcrs' does, so an older one would pass for a newer: add 4 or 11, for "
        "instance pcrs: [7, 11]");
  if (!tpm.pcrs.empty() && tpm.policy_key.empty())
    section.error("pcrs", "bind sealed objects to values that a key has signed: set 'policy_key' too");
  if (tpm.pcrs.empty() && !tpm.policy_key.empty())
    section.error("policy_key", "has nothing to sign: set 'pcrs' too, for instance [7, 11]");
  read_pcrs(section, "unchanged_pcrs", tpm.unchanged_pcrs);
  if (std::ranges::find_first_of(tpm.unchanged_pcrs, tpm.pcrs) != tpm.unchanged_pcrs.end())
    section.error("unchanged_pcrs", "names a PCR that 'pcrs' names too: either it may change, or it may not");
  section.finish();
  return tpm;
}

Box read_box(Section section) {
  Box box;
  section.read("name", box.name, a_name(), Default::none);
  section.read("state_directory", box.state_directory, a_path());
  section.read_optional("identity", box.identity, a_path());
  section.read_optional("certificate", box.certificate, a_path());
  if (!box.certificate.empty() && !section.has("identity"))
    section.error("certificate", "is of no key: set 'identity' too, which 'cloisterctl enroll' makes");
  section.read("control_socket", box.control_socket, a_socket_path());
  section.read("network_socket", box.network_socket, a_socket_path());
  section.finish();
  return box;
}

Link read_link(Section section, const Configuration& configuration) {
  Link link;
  section.read("name", link.name, a_name(), Default::none);
  section.read("peer", link.peer, a_name(), Default::none);
  section.read("local_address", link.local_address, an_endpoint(), Default::none);
  section.read("peer_address", link.peer_address, an_endpoint(), Default::none);
  expect_a_pair(section, "peer_address", link.local_address, link.peer_address);

  link.bootstrap = read_bootstrap(section.section("bootstrap", true), configuration, link.peer);

  Section authentication = section.section("authentication", false);
  authentication.read("policy", link.authentication.policy,
                      one_of<AuthenticationPolicy>({{"its-only", AuthenticationPolicy::its_only},
                                                    {"its-preferred", AuthenticationPolicy::its_preferred},
                                                    {"computational", AuthenticationPolicy::computational}},
                                                   "a policy: expected 'its-only' (QKD keys, each used once, or no new "
                                                   "key), 'its-preferred' (and a computational tag when those run "
                                                   "low) or 'computational'"));
  authentication.read("reserve", link.authentication.reserve_bytes,
                      within(a_size(), std::uint64_t{1024}, std::uint64_t{16} << 20U));
  authentication.finish();

  if (Section device = section.section("device", true); device.present())
    link.device = read_device(device, configuration.box);
  if (Section distillation = section.section("distillation", false); !link.device.gives_finished_keys())
    link.distillation = read_distillation(distillation);
  else if (distillation.present())
    section.error("distillation",
                  "is of devices that give detections, and 'driver: etsi014' gives finished keys: take it out");
  section.finish();
  return link;
}

/// One word, or `extend: {for: 10min}`.
void read_when_keys_run_out(Section& tunnel, Tunnel& out) {
  const std::string key = "when_keys_run_out";
  if (tunnel.holds_keys(key)) {
    if (!tunnel.is_describing()) out.when_keys_run_out = WhenKeysRunOut::extend;
    Section policy = tunnel.section(key, false);
    Section extend = policy.section("extend", true);
    extend.read("for", out.extend_for, within(a_duration(), milliseconds{1000}, milliseconds{24 * 3'600'000}),
                Default::none);
    extend.finish();
    policy.finish();
  }
  if (!tunnel.holds_keys(key) || tunnel.is_describing())
    tunnel.read(key, out.when_keys_run_out,
                one_of<WhenKeysRunOut>({{"block", WhenKeysRunOut::block}, {"pqc", WhenKeysRunOut::pqc}},
                                       "a policy: expected 'block', 'pqc', or 'extend: {for: 10min}'"));
}

/// How a tunnel changes its keys.
void read_keys(Section& section, Tunnel& tunnel) {
  section.read("rekey_interval", tunnel.rekey_interval,
               within(a_duration(), milliseconds{1000}, milliseconds{3'600'000}));
  tunnel.key_lifetime = 3 * tunnel.rekey_interval;
  section.read("key_lifetime", tunnel.key_lifetime,
               within(a_duration(), milliseconds{1000}, milliseconds{24 * 3'600'000}), Default::derived);
  if (tunnel.key_lifetime <= tunnel.rekey_interval)
    section.error("key_lifetime", "must be longer than rekey_interval, or the tunnel blocks before its next key");
  section.read_optional("rekey_bytes", tunnel.rekey_bytes,
                        within(a_size(), std::uint64_t{1} << 20U, std::uint64_t{1} << 50U));
  section.read_optional("rekey_packets", tunnel.rekey_packets,
                        within(a_count(), std::uint64_t{1000}, std::uint64_t{1} << 32U));
  section.read("stock", tunnel.stock,
               within(a_whole<std::uint32_t>("a number of keys: expected a whole number"), 1U, 4096U));
  read_when_keys_run_out(section, tunnel);
  section.read("hybrid", tunnel.hybrid, a_truth());
  section.refuse("pad", "is of tunnels with 'cipher: one-time-pad': take it out");
}

/// Each bit is used once: there are no keys to change, and nothing else to go on with.
void read_pad(Section& section, Tunnel& tunnel) {
  section.read("pad", tunnel.pad_bytes, within(a_size(), std::uint64_t{16} << 10U, std::uint64_t{16} << 20U));
  tunnel.hybrid = tunnel.cipher == Cipher::aes_256_gcm;
  if (tunnel.cipher == Cipher::aes_256_gcm) return;
  if (!tunnel.pad_to.empty())
    section.error("pad_to",
                  "is of tunnels under AES-256-GCM: under 'cipher: one-time-pad' lengths have classes of their own");
  for (const auto* const key :
       {"rekey_interval", "key_lifetime", "rekey_bytes", "rekey_packets", "stock", "when_keys_run_out", "hybrid"})
    section.refuse(key,
                   "is of tunnels that change their keys, and under 'cipher: one-time-pad' each bit is used once: take "
                   "it out");
}

Tunnel read_tunnel(Section section) {
  Tunnel tunnel;
  section.read("name", tunnel.name, a_name(), Default::none);
  section.read("link", tunnel.link, a_name(), Default::none);
  read_routing(section, tunnel);
  tunnel.interface = "cl-" + tunnel.name;
  if (!section.has("interface") && section.has("name") && !an_interface_name().parse(tunnel.interface))
    section.error("name", std::format("makes '{}' an interface's name, which is too long for one: set 'interface' too",
                                      tunnel.interface));
  section.read("interface", tunnel.interface, an_interface_name(), Default::derived);
  if (tunnel.interface == "lo") section.error("interface", "is the machine's loopback: name one that is not there yet");
  section.read("local_endpoint", tunnel.local_endpoint, an_endpoint(), Default::none);
  section.read("peer_endpoint", tunnel.peer_endpoint, an_endpoint(), Default::none);
  expect_a_pair(section, "peer_endpoint", tunnel.local_endpoint, tunnel.peer_endpoint);
  section.read("mtu", tunnel.mtu, within(a_whole<unsigned>("an MTU: expected a whole number of bytes"), 576U, 1900U));
  read_packets(section, tunnel);
  read_constant_rate(section, tunnel);
  section.read("cipher", tunnel.cipher,
               one_of<Cipher>({{"aes-256-gcm", Cipher::aes_256_gcm}, {"one-time-pad", Cipher::one_time_pad}},
                              "a cipher: expected 'aes-256-gcm' or 'one-time-pad'"));
  if (tunnel.cipher == Cipher::one_time_pad || section.is_describing()) read_pad(section, tunnel);
  if (tunnel.cipher == Cipher::aes_256_gcm) read_keys(section, tunnel);
  expect_constant_rate(section, tunnel);
  section.finish();
  return tunnel;
}

}  // namespace

Tpm read_tpm_alone(Report& report, const YAML::Node& document) {
  Section top{report, document, "", document.Mark()};
  // Where it is not there it may be misspelt, which a reading of the whole tells from a configuration that leaves it out.
  return top.has("tpm") ? read_tpm(top.section("tpm", true)) : read_model(report, document).tpm;
}

Configuration read_model(Report& report, const YAML::Node& document) {
  Configuration configuration;
  Section top{report, document, "", document.Mark()};
  if (!top.present()) {
    if (report.empty())
      report.add_whole(
          "is empty: expected box, links and tunnels; /usr/share/doc/cloister/examples has two to begin with");
    return configuration;
  }
  if (Section box = top.section("box", true); box.present()) configuration.box = read_box(box);
  configuration.tpm = read_tpm(top.section("tpm", false));

  configuration.introducers = read_introducers(top.sections("introducers", false), configuration.box);

  CrossChecks cross{configuration};
  auto links = top.sections("links", true);
  for (Section& section : links) {
    configuration.links.push_back(read_link(section, configuration));
    cross.link(configuration.links.back(), section);
  }
  auto tunnels = top.sections("tunnels", false);
  for (Section& section : tunnels) {
    configuration.tunnels.push_back(read_tunnel(section));
    cross.tunnel(configuration.tunnels.back(), section);
  }
  configuration.alarms = read_alarms(top.section("alarms", false), configuration.tunnels);
  configuration.logging = read_logging(top.section("logging", false));
  top.finish();
  return configuration;
}

}  // namespace cloister::config
