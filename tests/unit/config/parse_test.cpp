// The configuration file: the documentation's examples are taken; each mistake is named with its place and its remedy.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <format>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include "config/parse.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

const std::string base = R"(box:
  name: geneva
  state_directory: /var/lib/cloister
  control_socket: /run/cloister/control.sock
tpm:
  tcti: "device:/dev/tpmrm0"
links:
  - name: line
    peer: paris
    local_address: 203.0.113.1:7400
    peer_address: 203.0.113.2:7400
    bootstrap:
      psk: /etc/cloister/paris.psk
    authentication:
      reserve: 16 KiB
    device:
      driver: simulator
      role: alice
      socket: /run/cloister/fibre.sock
      clock: 1 GHz
    distillation:
      block_bits: 1000000
      epsilon_budget: 1e-6
      qber_limit: 8 %
      intensities: [0.5, 0.15]
      probabilities: [0.6, 0.4]
tunnels:
  - name: office
    link: line
    interface: cl-office
    local_subnets: [192.0.2.0/24]
    remote_subnets: [198.51.100.0/24]
    local_endpoint: 203.0.113.1:4500
    peer_endpoint: 203.0.113.2:4500
    mtu: 1420
    rekey_interval: 10s
    key_lifetime: 30s
    stock: 64
    hybrid: true
)";

struct Mistake {
  std::string right;  // replaced by …
  std::string wrong;
  int line;
  int column;
  std::string says;
};

const std::vector<Mistake> mistakes{
    {"  name: geneva\n", "", 2, 3, "missing"},
    {"  name: geneva", "  name: gen eva", 2, 9, "letters, digits and hyphens"},
    {"  name: geneva", "  nmae: geneva", 2, 3, "did you mean 'name'"},
    {"  name: geneva", "  name: geneva\n  name: geneva", 3, 3, "stands twice"},
    {"  name: geneva", "  name: [geneva]", 2, 9, "expected one value"},
    {"  control_socket: /run/cloister/control.sock", "  control_socket: control.sock", 4, 19, "absolute path"},
    {"tpm:\n", "tmp:\n", 5, 1, "did you mean 'tpm'"},
    {"tpm:\n  tcti: \"device:/dev/tpmrm0\"\n", "tpm: yes\n", 5, 6, "keys and values"},
    {"tpm:\n  tcti: \"device:/dev/tpmrm0\"\n", "tpm: {pcrs: [7], policy_key: /p, generations: true}\n", 5, 47,
     "add 4 or 11"},
    {"tpm:\n  tcti: \"device:/dev/tpmrm0\"\n", "tpm: {pcrs: [7], policy_key: /p, unchanged_pcrs: [7]}\n", 5, 50,
     "either it may change"},
    {"    peer: paris", "    peer: geneva", 9, 11, "name of this box"},
    {"203.0.113.1:7400", "203.0.113.1", 10, 20, "address:port"},
    {"203.0.113.1:7400", "203.0.113.1:74000", 10, 20, "address:port"},
    {"203.0.113.1:7400", "geneva.example:7400", 10, 20, "address:port"},
    {"203.0.113.2:7400", "\"[2001:db8::2]:7400\"", 11, 19, "address family"},
    {"    bootstrap:\n      psk: /etc/cloister/paris.psk\n", "", 8, 5, "missing"},
    {"      psk: /etc/cloister/paris.psk", "      {}", 13, 7, "says nothing to bootstrap by"},
    {"      psk: /etc/cloister/paris.psk", "      trust: 12", 13, 14, "64 hexadecimal digits"},
    {"      psk: /etc/cloister/paris.psk",
     "      trust: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 13, 14, "box.identity"},
    {"      psk: /etc/cloister/paris.psk", "      trust:", 13, 7, "is empty"},
    {"      psk: /etc/cloister/paris.psk", "      {ca: /ca.pem}", 13, 12, "need each other"},
    {"      psk: /etc/cloister/paris.psk", "      {ca: /ca.pem, crl: /ca.crl}", 13, 12, "box.certificate"},
    {"name: geneva\n", "name: geneva\n  certificate: /geneva.pem\n", 3, 16, "is of no key"},
    {"16 KiB", "16 KB", 15, 16, "KiB, MiB or GiB"},
    {"16 KiB", "1 B", 15, 16, "from 1 KiB to 16 MiB"},
    {"driver: simulator", "driver: simulater", 17, 15, "expected 'simulator'"},
    {"driver: simulator", "driver: plugin", 17, 7, "missing"},
    {"driver: simulator", "driver: plugin\n      plugin: {library: /lib.so}", 18, 15, "missing"},
    {"driver: simulator", "driver: plugin\n      plugin: {library: lib.so, sha256: abc}", 18, 25, "an absolute one"},
    {"driver: simulator", "driver: plugin\n      plugin: {library: /lib.so, sha256: abc}", 18, 42, "64 hexadecimal"},
    {"driver: simulator", "driver: simulator\n      plugin: {library: /lib.so}", 18, 15, "'driver: plugin' only"},
    {"role: alice", "role: eve", 18, 13, "'alice'"},
    {"clock: 1 GHz", "clock: 1", 20, 14, "kHz, MHz or GHz"},
    {"clock: 1 GHz", "clock: 100 GHz", 20, 14, "from 1 kHz to 10 GHz"},
    {"block_bits: 1000000", "block_bits: many", 22, 19, "whole number"},
    {"block_bits: 1000000", "block_bits: 10", 22, 19, "from 10000"},
    {"epsilon_budget: 1e-6", "epsilon_budget: -1", 23, 23, "expected"},
    {"epsilon_budget: 1e-6", "bound: tight", 23, 14, "'lim2014' (two)"},
    {"epsilon_budget: 1e-6", "bound: lim2014", 25, 20, "expected 3"},
    {"qber_limit: 8 %", "qber_limit: 80 %", 24, 19, "from 0.001 to 0.11"},
    {"[0.5, 0.15]", "[0.15, 0.5]", 25, 20, "descending"},
    {"[0.5, 0.15]", "[0.5]", 25, 20, "expected 2"},
    {"[0.6, 0.4]", "[0.6, 0.6]", 26, 22, "add up to 1"},
    {"    link: line", "    link: lime", 29, 11, "did you mean 'line'"},
    {"interface: cl-office", "interface: an-interface-with-a-long-name", 30, 16, "1 to 15"},
    {"[192.0.2.0/24]", "[192.0.2.1/24]", 31, 21, "'192.0.2.0/24' is meant"},
    {"[192.0.2.0/24]", "[192.0.2.0/33]", 31, 21, "0 to 32"},
    {"[192.0.2.0/24]", "192.0.2.0/24", 31, 20, "expected a list"},
    {"[198.51.100.0/24]", "[192.0.2.128/25]", 32, 21, "overlaps"},
    {"mtu: 1420", "mtu: 100", 35, 10, "from 576"},
    {"rekey_interval: 10s", "rekey_interval: 10", 36, 21, "ms, s, min or h"},
    {"key_lifetime: 30s", "key_lifetime: 10s", 37, 19, "longer than rekey_interval"},
    {"stock: 64", "stock: 0", 38, 12, "from 1 to 4096"},
    {"hybrid: true", "hybrid: maybe", 39, 13, "true or false"},
    {"    hybrid: true\n", "    hybrid: true\n    colour: red\n", 40, 5, "unknown key 'colour'"},
    {"    hybrid: true\n",
     "    hybrid: true\n  - name: office\n    link: line\n    local_subnets: [192.0.2.0/24]\n    remote_subnets: "
     "[203.0.113.128/25]\n"
     "    local_endpoint: 203.0.113.1:4500\n    peer_endpoint: 203.0.113.2:4500\n",
     40, 11, "stands in box.yaml:28 already"},
    {"    hybrid: true\n",
     "    hybrid: true\n  - name: other\n    link: line\n    interface: cl-office\n    mtu: 1400\n    local_subnets: "
     "[192.0.2.0/24]\n    remote_subnets: [203.0.113.128/25]\n"
     "    local_endpoint: 203.0.113.1:4500\n    peer_endpoint: 203.0.113.2:4500\n",
     43, 10, "shared with a tunnel of mtu 1420"},
    {"  name: geneva", "  name: &me geneva", 2, 9, "anchors"},
    {"  name: geneva", "  name: !!str geneva", 2, 9, "tags"},
    {"    peer: paris", "    peer:", 9, 5, "is empty"},
    {"psk: /etc/cloister/paris.psk", "psk: paris.psk", 13, 12, "an absolute one"},
    {"psk: /etc/cloister/paris.psk", "psk: \"/etc/cloister/paris.psk", 13, 12, "not closed"},
    {"    mtu: 1420", "    mtu 1420", 36, 19, "': ' behind it"},
    {"    mtu: 1420", "   mtu: 1420", 35, 4, "indented otherwise"},
    {"      role: alice", "      role alice  # sends", 18, 7, "no ': ' behind a key"},
    {"[192.0.2.0/24]", "[192.0.2.0/255.255.255.0]", 31, 21, "a number from 0 to 32"},
    {"[192.0.2.0/24]", "[red.example.com/24]", 31, 21, "names are not looked up"},
    {"203.0.113.2:7400", "paris.example.com:7400", 11, 19, "no host's name"},
    {"psk: /etc/cloister/paris.psk", "psk: 1of2 00112233", 13, 12, "never a key itself"},
    {"    hybrid: true\n", "    hybrid: true\n  -\n", 41, 1, "is empty"},
    {"tunnels:\n", "alarms: {keys_left_below: 6min}\ntunnels:\n", 27, 27, "tunnel 'office' can never be well above it"},
    {"tunnels:\n", "alarms: {qber_above: 120 %}\ntunnels:\n", 27, 22, "from 0.1 to 1"},
    {"tunnels:\n", "alarms: {after: 1h}\ntunnels:\n", 27, 17, "from 0ms to 10min"},
    {"tunnels:\n", "alarms: {ignore: [PEER_SILENT, QBER_HIGH]}\ntunnels:\n", 27, 32, "may tell of an attack"},
    {"tunnels:\n", "alarms: {ignore: [PEER_SLIENT]}\ntunnels:\n", 27, 19, "did you mean 'PEER_SILENT'"},
    {"tunnels:\n", "logging: {level: debug}\ntunnels:\n", 27, 18, "expected 'info' (every event) or 'alarm'"},
    {"tunnels:\n", "logging: {audit_files: 1}\ntunnels:\n", 27, 24, "from 2 to 32"},
    {"203.0.113.2:7400", "255.255.255.255:7400", 11, 19, "no address of one box"},
    {"203.0.113.2:7400", "203.0.113.1:7400", 11, 19, "is the local one too"},
    {"203.0.113.2:4500", "224.0.0.1:4500", 34, 20, "no address of one box"},
    {"[192.0.2.0/24]", "[]", 31, 20, "names no subnet"},
    {"[192.0.2.0/24]", "[192.0.2.0/24, 192.0.2.0/25]", 31, 20, "overlap"},
    {"[198.51.100.0/24]", "[\"2001:db8::/32\"]", 32, 21, "address family"},
    {"[198.51.100.0/24]", "[203.0.113.0/24]", 32, 21, "203.0.113.2, the tunnel's peer_endpoint"},
    {"name: office\n    link: line\n    interface: cl-office\n", "name: office-of-the-bank\n    link: line\n", 28, 11,
     "set 'interface' too"},
    {"interface: cl-office", "interface: lo", 30, 16, "loopback"},
    {"mtu: 1420", "MTU: 1420", 35, 5, "did you mean 'mtu'"},
    {"mtu: 1420", "frames: 1420", 35, 5, "known here: name, link"},
    {"[0.5, 0.15]", "[.nan, 0.15]", 25, 21, "'.nan' is not a number"},
    {"  name: geneva", "\tname: geneva", 2, 1, "spaces only"},
    {"[192.0.2.0/24]", "[192.0.2.0/24", 32, 19, "not YAML"},
};

TEST_CASE("Each mistake is named with line, column and remedy", "[config]") {
  CHECK(mistakes.size() >= 25);
  for (const auto& mistake : mistakes) {
    std::string text = base;
    const auto at = text.find(mistake.right);
    REQUIRE(at != std::string::npos);
    text.replace(at, mistake.right.size(), mistake.wrong);
    const auto parsed = parse({{"box.yaml", text}});
    INFO("instead of '" << mistake.right << "': '" << mistake.wrong << "'");
    REQUIRE_FALSE(parsed);
    std::string all;
    for (const auto& diagnostic : parsed.error()) all += to_string(diagnostic) + "\n";
    INFO(all);
    const bool named = std::ranges::any_of(parsed.error(), [&](const Diagnostic& diagnostic) {
      return diagnostic.line == mistake.line && diagnostic.column == mistake.column &&
             diagnostic.message.contains(mistake.says);
    });
    CHECK(named);
  }
}

TEST_CASE("A key that stands where none belongs is not shown", "[config]") {
  const std::string key = "c0ffee00112233445566778899aabbccddeeff00112233445566778899aabbcc";
  for (const auto& [right, wrong] : {std::pair<std::string, std::string>{"psk: /etc/cloister/paris.psk", "psk: " + key},
                                     {"peer: paris", "peer: paris\n    key: \"1of2 " + key + " 0123\""},
                                     {"mtu: 1420", "mtu: 1420\n    " + key + ": 1"}}) {
    std::string text = base;
    text.replace(text.find(right), right.size(), wrong);
    const auto parsed = parse({{"box.yaml", text}});
    REQUIRE_FALSE(parsed);
    for (const auto& diagnostic : parsed.error()) {
      CAPTURE(to_string(diagnostic));
      CHECK_FALSE(to_string(diagnostic).contains(key.substr(0, 16)));
      CHECK_FALSE(to_string(diagnostic).contains(key.substr(48)));
    }
  }
}

TEST_CASE("What is no list is one mistake, not an empty list besides", "[config]") {
  std::string text = base;
  text.replace(text.find("[192.0.2.0/24]"), 14, "192.0.2.0/24");
  const auto parsed = parse({{"box.yaml", text}});
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().size() == 1);
}

TEST_CASE("A file with more mistakes than anyone reads names the first, and how many are left", "[config]") {
  std::string text = base;
  for (int i = 0; i < 100; ++i) text += std::format("  - name: t{}\n", i);
  const auto parsed = parse({{"box.yaml", text}});
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().size() == 51);
  CHECK(parsed.error().back().message.contains("errors more"));
}

TEST_CASE("An error prints as file, line, column, what and why, and the line with a caret", "[config]") {
  std::string text = base;
  text.replace(text.find("mtu: 1420"), 9, "mtu: 100");
  const auto parsed = parse({{"box.yaml", text}});
  REQUIRE_FALSE(parsed);
  const auto shown = to_string(parsed.error().front());
  CHECK_THAT(shown,
             ContainsSubstring("box.yaml:35:10: tunnels[0].mtu: '100' is out of range: expected one from 576 to 1900"));
  CHECK_THAT(shown, ContainsSubstring("    mtu: 100\n") && ContainsSubstring("         ^"));
}

TEST_CASE("All mistakes come at once, by ascending line", "[config]") {
  std::string text = base;
  text.replace(text.find("mtu: 1420"), 9, "mtu: 100");
  text.replace(text.find("stock: 64"), 9, "stock: 0");
  text.replace(text.find("role: alice"), 11, "role: eve");
  const auto parsed = parse({{"box.yaml", text}});
  REQUIRE_FALSE(parsed);
  REQUIRE(parsed.error().size() == 3);
  CHECK(std::ranges::is_sorted(parsed.error(), {}, &Diagnostic::line));
}

TEST_CASE("What is no configuration at all is said in one line", "[config]") {
  const auto says = [](const std::string& text) {
    const auto parsed = parse({{"box.yaml", text}});
    REQUIRE_FALSE(parsed);
    return parsed.error().front().message;
  };
  CHECK_THAT(says(""), ContainsSubstring("is empty"));
  CHECK_THAT(says("just words"), ContainsSubstring("keys and values"));
  CHECK_THAT(says("- a\n- b\n"), ContainsSubstring("keys and values"));
  CHECK_THAT(says("a: 1\n---\nb: 2\n"), ContainsSubstring("a second YAML document begins here"));
  CHECK_THAT(says("[Interface]\nPrivateKey = abc=\n"), ContainsSubstring("or what is no YAML"));
  CHECK_THAT(says("a: &x 1\nb: *x\n"), ContainsSubstring("anchors"));
  CHECK_THAT(says(std::string(100, '[') + std::string(100, ']')), ContainsSubstring("nests deeper"));
  CHECK_THAT(says(std::string(100'000, '[')), ContainsSubstring("nests deeper") || ContainsSubstring("not YAML"));
  CHECK_THAT(says(std::string((1U << 20U) + 1, 'a')), ContainsSubstring("1 MiB"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  CHECK_FALSE(parse({{"box.yaml", deep}}));
  const auto missing = load("/nonexistent/box.yaml");
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().front().message, ContainsSubstring("cannot be read"));
}

TEST_CASE("The documentation's examples are taken, and fit together", "[config]") {
  const auto geneva = load(CLOISTER_EXAMPLES "/geneva.yaml");
  const auto paris = load(CLOISTER_EXAMPLES "/paris.yaml");
  REQUIRE((geneva && paris));
  const auto& one = geneva->links.at(0);
  const auto& other = paris->links.at(0);
  CHECK(one.peer == paris->box.name);
  CHECK(other.peer == geneva->box.name);
  CHECK(one.local_address.address == other.peer_address.address);
  CHECK(one.device.role != other.device.role);
  CHECK(one.distillation.intensities == other.distillation.intensities);
  CHECK(geneva->tunnels.at(0).local_subnets.at(0).to_string() == paris->tunnels.at(0).remote_subnets.at(0).to_string());
  CHECK(geneva->tunnels.at(0).rekey_interval == milliseconds{10'000});
  CHECK(geneva->tunnels.at(0).mtu == 1420);
  CHECK(one.authentication.reserve_bytes == 16 * 1024);
  CHECK(one.device.clock_hz == 1e9);
  CHECK(one.distillation.qber_limit == 0.08);
}

TEST_CASE("The example of finished keys is taken, and each mistake in it is named", "[config]") {
  const auto file = load(CLOISTER_EXAMPLES "/finished-keys.yaml");
  REQUIRE(file);
  const auto& device = file->links.at(0).device;
  CHECK(device.gives_finished_keys());
  CHECK(device.etsi014.url == Url{.host = "192.0.2.20", .port = 8443});
  CHECK(device.etsi014.key_size_bits == 256);
  CHECK(device.etsi014.block_bits == 32'768);
  CHECK(device.etsi014.own_sae == "geneva-sae");

  std::ifstream stream{CLOISTER_EXAMPLES "/finished-keys.yaml"};
  const std::string right{std::istreambuf_iterator<char>{stream}, {}};
  struct Wrong {
    std::string from, to, says;
  };
  for (const auto& [from, to, expected] : std::vector<Wrong>{
           {"https://192.0.2.20:8443", "http://192.0.2.20:8443", "expected https://HOST"},
           {"https://192.0.2.20:8443", "https://192.0.2.20:8443/api", "without a path"},
           {"https://192.0.2.20:8443", "https://192.0.2.20:0", "expected https://HOST"},
           {"https://192.0.2.20:8443", "https://192.0.2.20:65536", "expected https://HOST"},
           {"https://192.0.2.20:8443", "https://[2001:db8::1", "expected https://HOST"},
           {"https://192.0.2.20:8443", "https://", "expected https://HOST"},
           {"        url: https://192.0.2.20:8443", "", "missing"},
           {"https://192.0.2.20:8443", "https://kme.example.org", "names are not looked up: set 'address'"},
           {"own_sae: geneva-sae", "address: kme.example.org\n        own_sae: geneva-sae", "an IP address"},
           {"own_sae: geneva-sae", "own_sae: geneva/sae", "an SAE's identifier"},
           {"own_sae: geneva-sae", "own_sae: paris-sae", "is this box's own"},
           {"ca: /etc/cloister/kme-ca.pem", "ca: kme-ca.pem", "an absolute one"},
           {"        key: /etc/cloister/geneva-sae.key", "", "has no key to show the KME"},
           {"key_size: 256", "key_size: 260", "a multiple of 8"},
           {"key_size: 256", "key_size: 32", "from 64 to 8192"},
           {"block_bits: 32768", "block_bits: 16000", "from 16512 to 1048576"},
           {"block_bits: 32768", "block_bits: 262144", "is more than 512 keys of 256 bits"},
           {"driver: etsi014", "driver: simulator", "is for 'driver: etsi014' only"},
           {"role: alice", "role: alice\n      clock: 1 GHz", "is of devices that give detections"},
           {"    device:", "    distillation: {qber_limit: 5 %}\n    device:", "is of devices that give detections"}}) {
    auto text = right;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    INFO(to);
    const auto parsed = parse({{"box.yaml", text}});
    REQUIRE_FALSE(parsed);
    CHECK_THAT(parsed.error().front().message, ContainsSubstring(expected));
  }
  const std::string at = "\n        address: 192.0.2.20";
  for (const auto& [url, host, port] : std::vector<std::tuple<std::string, std::string, unsigned>>{
           {"https://kme.example.org" + at, "kme.example.org", 443},
           {"https://kme.example.org/" + at, "kme.example.org", 443},
           {"\"https://[2001:db8::1]:8443\"", "2001:db8::1", 8443}}) {
    auto text = right;
    text.replace(text.find("https://192.0.2.20:8443"), 23, url);
    INFO(url);
    const auto parsed = parse({{"box.yaml", text}});
    REQUIRE(parsed);
    CHECK(parsed->links[0].device.etsi014.url.host == host);
    CHECK(parsed->links[0].device.etsi014.url.port == port);
  }
}

TEST_CASE("What is left out has the documented default", "[config]") {
  const auto parsed = parse({{"box.yaml", R"(box: {name: geneva}
links:
  - {name: line, peer: paris, local_address: "203.0.113.1:7400", peer_address: "203.0.113.2:7400", bootstrap: {psk: /p}, device: {driver: simulator, role: bob}}
)"}});
  REQUIRE(parsed);
  CHECK(parsed->tunnels.empty());
  CHECK(parsed->links[0].distillation.block_bits == 1'000'000);
  CHECK(parsed->links[0].distillation.epsilon_budget == 1e-6);
  CHECK(parsed->tpm.tcti == "device:/dev/tpmrm0");
}

}  // namespace
}  // namespace cloister::config
