#include "config/read_model.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <set>

#include "config/units.hpp"

namespace cloister::config {
namespace {

constexpr std::size_t name_max = 63;
constexpr std::size_t interface_max = 15;     // IFNAMSIZ less its end
constexpr std::size_t socket_path_max = 107;  // sockaddr_un

constexpr std::string_view an_endpoint =
    "an endpoint: expected address:port, as 203.0.113.1:4500 or [2001:db8::1]:4500";
constexpr std::string_view a_duration =
    "a duration: expected a whole number of milliseconds with a unit, as 500ms, 10s, 2min, 1h";
constexpr std::string_view a_fraction = "a fraction: expected a number or a percentage, as 0.08 or 8 %";

std::optional<std::string> any_text(const std::string& text) { return text; }

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

void read_name(Section& section, const std::string& key, std::string& out) {
  section.read(
      key, out, [](const std::string& text) { return is_name(text) ? std::optional{text} : std::nullopt; },
      "a name: expected 1 to 63 letters, digits and hyphens", true);
}

void read_socket_path(Section& section, const std::string& key, std::string& out) {
  section.read(
      key, out,
      [](const std::string& text) {
        return !text.empty() && text.front() == '/' && text.size() <= socket_path_max ? std::optional{text}
                                                                                      : std::nullopt;
      },
      "a socket path: expected an absolute path of at most 107 characters");
}

template <class Number>
void expect_range(Section& section, const std::string& key, Number value, Number least, Number most) {
  if (value < least || value > most) section.error(key, std::format("is {}, expected {} to {}", value, least, most));
}

std::array<double, 2> read_pair(Section& section, const std::string& key, std::array<double, 2> fallback) {
  const auto elements = section.list(key, false);
  if (elements.empty()) return fallback;
  std::array<double, 2> pair{};
  if (elements.size() != 2) {
    section.error(key, std::format("has {} values, expected 2: for the signal and the decoy", elements.size()));
    return fallback;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const auto value = elements[i].IsScalar() ? parse_number(elements[i].Scalar()) : std::nullopt;
    if (!value) {
      section.error(key, "holds something that is not a number");
      return fallback;
    }
    pair[i] = *value;
  }
  return pair;
}

std::vector<Prefix> read_prefixes(Report& report, Section& section, const std::string& key) {
  std::vector<Prefix> prefixes;
  const auto elements = section.list(key, true);
  for (const auto& element : elements) {
    const auto prefix = element.IsScalar()
                            ? parse_prefix(element.Scalar())
                            : std::expected<Prefix, std::string>{std::unexpected{"expected a prefix, as 192.0.2.0/24"}};
    if (prefix)
      prefixes.push_back(*prefix);
    else
      report.add(element.Mark(), section.path() + "." + key, prefix.error());
  }
  return prefixes;
}

void expect_one_family(Section& section, const std::string& key, const Endpoint& one, const Endpoint& other) {
  if (one.port != 0 && other.port != 0 && one.family != other.family)
    section.error(key, "is of another address family than its local counterpart: both must be IPv4, or both IPv6");
}

Box read_box(Section section) {
  Box box;
  read_name(section, "name", box.name);
  section.read("state_directory", box.state_directory, any_text, "a path");
  read_socket_path(section, "control_socket", box.control_socket);
  section.finish();
  return box;
}

Device read_device(Section section) {
  Device device;
  section.read(
      "driver", device.driver,
      [](const std::string& text) { return text == "simulator" ? std::optional{text} : std::nullopt; },
      "a driver: expected 'simulator'", true);
  section.read(
      "role", device.role,
      [](const std::string& text) -> std::optional<DeviceRole> {
        if (text == "alice") return DeviceRole::alice;
        if (text == "bob") return DeviceRole::bob;
        return std::nullopt;
      },
      "a role: expected 'alice' (the transmitter) or 'bob' (the receiver)", true);
  read_socket_path(section, "socket", device.socket);
  section.read("clock", device.clock_hz, parse_frequency, "a frequency: expected a number with a unit, as 1 GHz");
  expect_range(section, "clock", device.clock_hz, 1e3, 1e10);
  section.finish();
  return device;
}

Distillation read_distillation(Section section) {
  Distillation distillation;
  section.read("block_bits", distillation.block_bits, parse_count, "a whole number, as 1000000");
  section.read("eps_sec", distillation.eps_sec, parse_number, "a number, as 1e-10");
  section.read("eps_cor", distillation.eps_cor, parse_number, "a number, as 1e-15");
  section.read("qber_limit", distillation.qber_limit, parse_fraction, a_fraction);
  section.read("key_basis_probability", distillation.key_basis_probability, parse_fraction, a_fraction);
  distillation.intensities = read_pair(section, "intensities", distillation.intensities);
  distillation.probabilities = read_pair(section, "probabilities", distillation.probabilities);
  expect_range(section, "block_bits", distillation.block_bits, std::uint64_t{10'000}, std::uint64_t{100'000'000});
  expect_range(section, "eps_sec", distillation.eps_sec, 1e-30, 1e-3);
  expect_range(section, "eps_cor", distillation.eps_cor, 1e-30, 1e-3);
  expect_range(section, "qber_limit", distillation.qber_limit, 0.001, 0.11);
  expect_range(section, "key_basis_probability", distillation.key_basis_probability, 0.05, 0.99);
  const auto [signal, decoy] = distillation.intensities;
  if (!(signal > decoy && decoy > 0 && signal <= 2))
    section.error("intensities",
                  "expected mean photon numbers, descending: signal above decoy, both above 0, at most 2");
  const auto [first, second] = distillation.probabilities;
  if (!(first > 0 && second > 0 && std::abs(first + second - 1) < 1e-9))
    section.error("probabilities", "expected two that are above 0 and add up to 1");
  section.finish();
  return distillation;
}

Link read_link(Section section) {
  Link link;
  read_name(section, "name", link.name);
  read_name(section, "peer", link.peer);
  section.read("local_address", link.local_address, parse_endpoint, an_endpoint, true);
  section.read("peer_address", link.peer_address, parse_endpoint, an_endpoint, true);
  expect_one_family(section, "peer_address", link.local_address, link.peer_address);

  Section bootstrap = section.section("bootstrap", true);
  bootstrap.read("psk", link.bootstrap.psk, any_text, "a path", bootstrap.present());
  bootstrap.finish();

  Section authentication = section.section("authentication", false);
  authentication.read("reserve", link.authentication.reserve_bytes, parse_size,
                      "a size: expected a whole number of bytes with a unit, as 16 KiB");
  expect_range(authentication, "reserve", link.authentication.reserve_bytes, std::uint64_t{1024},
               std::uint64_t{16} << 20U);
  authentication.finish();

  if (Section device = section.section("device", true); device.present()) link.device = read_device(device);
  link.distillation = read_distillation(section.section("distillation", false));
  section.finish();
  return link;
}

Tunnel read_tunnel(Report& report, Section section) {
  Tunnel tunnel;
  read_name(section, "name", tunnel.name);
  read_name(section, "link", tunnel.link);
  tunnel.local_subnets = read_prefixes(report, section, "local_subnets");
  tunnel.remote_subnets = read_prefixes(report, section, "remote_subnets");
  tunnel.interface = ("cl-" + tunnel.name).substr(0, interface_max);
  section.read(
      "interface", tunnel.interface,
      [](const std::string& text) {
        return is_name(text) && text.size() <= interface_max ? std::optional{text} : std::nullopt;
      },
      "an interface name: expected 1 to 15 letters, digits and hyphens");
  section.read("local_endpoint", tunnel.local_endpoint, parse_endpoint, an_endpoint, true);
  section.read("peer_endpoint", tunnel.peer_endpoint, parse_endpoint, an_endpoint, true);
  expect_one_family(section, "peer_endpoint", tunnel.local_endpoint, tunnel.peer_endpoint);
  section.read(
      "mtu", tunnel.mtu,
      [](const std::string& text) {
        const auto count = parse_count(text);
        return count && *count < 100'000 ? std::optional{static_cast<unsigned>(*count)} : std::nullopt;
      },
      "a whole number, as 1420");
  expect_range(section, "mtu", tunnel.mtu, 576U, 1900U);
  section.read("rekey_interval", tunnel.rekey_interval, parse_duration, a_duration);
  if (tunnel.rekey_interval < milliseconds{1000} || tunnel.rekey_interval > milliseconds{3'600'000})
    section.error("rekey_interval", "expected 1s to 1h");
  tunnel.key_lifetime = 3 * tunnel.rekey_interval;
  section.read("key_lifetime", tunnel.key_lifetime, parse_duration, a_duration);
  if (tunnel.key_lifetime <= tunnel.rekey_interval)
    section.error("key_lifetime", "must be longer than rekey_interval, or the tunnel blocks before its next key");
  section.read(
      "stock", tunnel.stock,
      [](const std::string& text) {
        const auto count = parse_count(text);
        return count && *count >= 1 && *count <= 4096 ? std::optional{static_cast<std::uint32_t>(*count)}
                                                      : std::nullopt;
      },
      "a number of keys: expected 1 to 4096");
  section.read(
      "when_keys_run_out", tunnel.when_keys_run_out,
      [](const std::string& text) { return text == "block" ? std::optional{text} : std::nullopt; },
      "a policy of this version: expected 'block'");
  section.read("hybrid", tunnel.hybrid, parse_bool, "true or false");
  section.finish();
  return tunnel;
}

/// What only the whole shows.
class Cross {
 public:
  Cross(Report& report, const Configuration& configuration) : report_{report}, configuration_{configuration} {}

  void link(const Link& link, const YAML::Mark& mark, const std::string& path) {
    if (!names_.insert("link " + link.name).second)
      report_.add(mark, path, std::format("a link named '{}' stands above already", link.name));
    if (!link.peer.empty() && link.peer == configuration_.box.name)
      report_.add(mark, path, "its peer has the name of this box: name the other one");
  }

  void tunnel(const Tunnel& tunnel, const YAML::Mark& mark, const std::string& path) {
    if (!names_.insert("tunnel " + tunnel.name).second)
      report_.add(mark, path, std::format("a tunnel named '{}' stands above already", tunnel.name));
    if (!names_.insert("interface " + tunnel.interface).second)
      report_.add(mark, path, std::format("interface '{}' is that of another tunnel", tunnel.interface));
    std::vector<std::string> links;
    for (const auto& link : configuration_.links) links.push_back(link.name);
    if (!tunnel.link.empty() && std::ranges::find(links, tunnel.link) == links.end()) {
      const auto meant = nearest(tunnel.link, links);
      report_.add(mark, path,
                  std::format("there is no link '{}'{}", tunnel.link,
                              meant ? std::format(": did you mean '{}'?", *meant) : ""));
    }
    for (const auto& remote : tunnel.remote_subnets) {
      for (const auto& local : tunnel.local_subnets) {
        if (remote.overlaps(local))
          report_.add(mark, path,
                      std::format("remote subnet {} overlaps local subnet {}", remote.to_string(), local.to_string()));
      }
      for (const auto& [other, name] : remotes_) {
        if (remote.overlaps(other) && remote.length == other.length)
          report_.add(mark, path, std::format("remote subnet {} is that of tunnel '{}'", remote.to_string(), name));
      }
    }
    for (const auto& remote : tunnel.remote_subnets) remotes_.emplace_back(remote, tunnel.name);
  }

 private:
  Report& report_;
  const Configuration& configuration_;
  std::set<std::string> names_;
  std::vector<std::pair<Prefix, std::string>> remotes_;
};

}  // namespace

Configuration read_model(Report& report, const YAML::Node& document) {
  Configuration configuration;
  Section top{report, document, "", document.Mark()};
  if (!top.present()) {
    if (report.empty())
      report.add_whole("is empty: expected box, links and tunnels; docs/examples has two to begin with");
    return configuration;
  }
  if (Section box = top.section("box", true); box.present()) configuration.box = read_box(box);
  Section tpm = top.section("tpm", false);
  tpm.read("tcti", configuration.tpm.tcti, any_text, "a TPM's name");
  tpm.finish();

  Cross cross{report, configuration};
  const auto links = top.list("links", true);
  for (std::size_t i = 0; i < links.size(); ++i) {
    Section section{report, links[i], std::format("links[{}]", i), links[i].Mark()};
    if (!section.present()) continue;
    configuration.links.push_back(read_link(section));
    cross.link(configuration.links.back(), section.mark(), section.path());
  }
  const auto tunnels = top.list("tunnels", false);
  for (std::size_t i = 0; i < tunnels.size(); ++i) {
    Section section{report, tunnels[i], std::format("tunnels[{}]", i), tunnels[i].Mark()};
    if (!section.present()) continue;
    configuration.tunnels.push_back(read_tunnel(report, section));
    cross.tunnel(configuration.tunnels.back(), section.mark(), section.path());
  }
  top.finish();
  return configuration;
}

}  // namespace cloister::config
