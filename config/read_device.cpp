#include "config/read_device.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "config/kinds.hpp"
#include "config/units.hpp"

namespace cloister::config {
namespace {

constexpr std::string_view scheme = "https://";
constexpr std::size_t host_max = 253;  // RFC 1035, 2.3.4
constexpr std::size_t sae_max = 64;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

std::optional<Url> parse_url(const std::string& text) {
  std::string_view rest = text;
  if (!rest.starts_with(scheme)) return std::nullopt;
  rest.remove_prefix(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  Url url;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    url.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!std::ranges::all_of(url.host, [](char c) { return c == ':' || is_host_character(c); })) return std::nullopt;
  } else {
    url.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(url.host.size());
    if (!std::ranges::all_of(url.host, is_host_character)) return std::nullopt;
  }
  if (url.host.empty() || url.host.size() > host_max) return std::nullopt;
  if (rest.empty()) return url;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), url.port);
  if (rest.front() != ':' || error != std::errc{} || end != rest.data() + rest.size() || url.port == 0)
    return std::nullopt;
  return url;
}

const Kind<Url>& a_url() {
  static const Kind<Url> kind{.parse = parse_url,
                              .show = [](const Url& url) { return url.host.empty() ? std::string{} : url.to_string(); },
                              .expected = "a KME's address: expected https://HOST or https://HOST:PORT, without a path",
                              .pattern = "^https://"};
  return kind;
}

const Kind<std::string>& an_sae() {
  static const Kind<std::string> kind{
      .parse =
          [](const std::string& text) {
            const bool fits = !text.empty() && text.size() <= sae_max && std::ranges::all_of(text, [](char c) {
              return is_host_character(c) || c == '_' || c == '~';
            });
            return fits ? std::optional{text} : std::nullopt;
          },
      .show = std::identity{},
      .expected = "an SAE's identifier: expected 1 to 64 letters, digits and -._~, as the KMEs know it",
      .pattern = "^[A-Za-z0-9._~-]{1,64}$"};
  return kind;
}

const Kind<std::string>& a_numeric_address() {
  static const Kind<std::string> kind{
      .parse = [](const std::string& text) { return is_numeric_address(text) ? std::optional{text} : std::nullopt; },
      .show = std::identity{},
      .expected = "an IP address: expected one as 192.0.2.20 or 2001:db8::1, without a port",
      .pattern = "^[0-9A-Fa-f.:]+$"};
  return kind;
}

/// `chosen`: the driver is 'plugin'; the schema, which is made without a file, then does not ask every file for this.
Plugin read_plugin(Section section, bool chosen) {
  Plugin plugin;
  const auto fallback = chosen ? Default::none : Default::derived;
  section.read("library", plugin.library, a_path(), fallback);
  section.read("sha256", plugin.sha256, a_sha256(), fallback);
  section.read("node", plugin.node, a_text("the path of a device node or local socket"));
  section.read("host_socket", plugin.host_socket, a_socket_path());
  if (!plugin.node.empty() && !plugin.node.starts_with('/')) section.error("node", "is not an absolute path");
  section.finish();
  return plugin;
}

/// As `read_plugin`.
Kme read_kme(Section section, bool chosen, const Box& box) {
  constexpr std::uint32_t keys_max = 512;  // of a block: their identifiers fit one message
  Kme kme;
  const auto fallback = chosen ? Default::none : Default::derived;
  section.read("url", kme.url, a_url(), fallback);
  section.read_optional("address", kme.address, a_numeric_address());
  section.read("own_sae", kme.own_sae, an_sae(), fallback);
  section.read("peer_sae", kme.peer_sae, an_sae(), fallback);
  section.read("ca", kme.ca, a_path(), fallback);
  section.read("certificate", kme.certificate, a_path(), fallback);
  section.read_optional("key", kme.key, a_path());
  section.read("key_size", kme.key_size_bits,
               within(a_whole<std::uint32_t>("a key's size: expected a whole number of bits"), 64U, 8192U));
  // The least pays for its tags (64 times what they cost), and for the check of the two KMEs.
  section.read("block_bits", kme.block_bits,
               within(a_whole<std::uint32_t>("a block's size: expected a whole number of bits"), 16'512U, 1'048'576U));
  if (!kme.url.host.empty() && kme.address.empty() && !is_numeric_address(kme.url.host))
    section.error("url", std::format("has the name '{}', and names are not looked up: set 'address' to its IP address",
                                     kme.url.host));
  if (!kme.own_sae.empty() && kme.own_sae == kme.peer_sae)
    section.error("peer_sae", "is this box's own: each end has its own identifier");
  if (kme.key_size_bits % 8 != 0) section.error("key_size", "is no whole number of bytes: expected a multiple of 8");
  if ((kme.block_bits + kme.key_size_bits - 1) / kme.key_size_bits > keys_max)
    section.error("block_bits", std::format("is more than {} keys of {} bits: expected at most {}", keys_max,
                                            kme.key_size_bits, keys_max * kme.key_size_bits));
  if (chosen && kme.key.empty() && box.identity.empty())
    section.error_here(
        "has no key to show the KME: set 'key' (a file), or 'box.identity' (one in the TPM, whose certificate "
        "'certificate' then is)");
  section.finish();
  return kme;
}

}  // namespace

std::string Url::to_string() const {
  const auto place = host.contains(':') ? "[" + host + "]" : host;
  return std::format("{}{}:{}", scheme, place, port);
}

Device read_device(Section section, const Box& box) {
  Device device;
  section.read("driver", device.driver,
               one_of<std::string>({{"simulator", "simulator"}, {"plugin", "plugin"}, {"etsi014", "etsi014"}},
                                   "a driver: expected 'simulator', 'plugin' (a vendor's library) or 'etsi014' "
                                   "(finished keys of a KME)"),
               Default::none);
  section.read("role", device.role,
               one_of<DeviceRole>({{"alice", DeviceRole::alice}, {"bob", DeviceRole::bob}},
                                  "a role: expected 'alice' (the transmitter) or 'bob' (the receiver)"),
               Default::none);
  section.read("socket", device.socket, a_socket_path());
  section.read("clock", device.clock_hz, within(a_frequency(), 1e3, 1e10));
  section.read("meters", device.needs_meters,
               one_of<bool>({{"optional", false}, {"required", true}},
                            "whether the device must have meters: expected 'optional' or 'required'"));
  section.read("quarantine", device.quarantine, within(a_duration(), milliseconds{0}, milliseconds{600'000}));
  const auto is_for_another = [&](const char* driver) {
    if (device.driver.empty() || device.driver == driver) return false;
    section.error(driver, std::format("is for 'driver: {}' only, and the driver is '{}'", driver, device.driver));
    return true;
  };
  const bool plugin_chosen = device.driver == "plugin";
  if (Section plugin = section.section("plugin", plugin_chosen); plugin.present() && !is_for_another("plugin"))
    device.plugin = read_plugin(std::move(plugin), plugin_chosen);
  const bool kme_chosen = device.gives_finished_keys();
  if (Section kme = section.section("etsi014", kme_chosen); kme.present() && !is_for_another("etsi014"))
    device.etsi014 = read_kme(std::move(kme), kme_chosen, box);
  for (const auto* const key : {"socket", "clock", "meters", "quarantine"}) {
    if (kme_chosen && section.has(key))
      section.error(key, "is of devices that give detections, and 'driver: etsi014' gives finished keys: take it out");
  }
  section.finish();
  return device;
}

}  // namespace cloister::config
