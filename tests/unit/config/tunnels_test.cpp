// Which packets a tunnel takes, and what becomes of them: what is taken, and each mistake with its place and its
// remedy.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "config/parse.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

/// The documentation's example, whose last lines are those of its tunnel.
std::string example() {
  std::ifstream stream{CLOISTER_EXAMPLES "/geneva.yaml"};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// The example with `lines` in its tunnel; `replaced` is the beginning of a line that goes for them.
std::string with(const std::string& lines, const std::string& replaced = "") {
  auto text = example();
  if (!replaced.empty()) {
    const auto at = text.find("    " + replaced);
    REQUIRE(at != std::string::npos);
    text.erase(at, text.find('\n', at) + 1 - at);
  }
  return text + lines;
}

std::string another(const std::string& lines) {
  return "  - name: other\n    link: geneva-paris\n    local_endpoint: 203.0.113.1:4500\n    peer_endpoint: "
         "203.0.113.3:4500\n" +
         lines;
}

/// The first mistake, as "path: message".
std::string mistake_in(const std::string& text) {
  const auto parsed = parse({{"box.yaml", text}});
  if (parsed) return "none";
  const auto& first = parsed.error().front();
  return first.path + ": " + first.message;
}

TEST_CASE("Each mistake in what leads packets into a tunnel is named", "[config]") {
  struct Wrong {
    std::string text, says;
  };
  const std::string kernel = "    routing: kernel\n";
  for (const auto& [text, says] : std::vector<Wrong>{
           {with("    addresses: [10.255.0.1/30]\n"), "tunnels[0].addresses: are of tunnels that the kernel's"},
           {with("    routing: ospf\n"), "'subnets' (those of the tunnel) or 'kernel'"},
           {with(kernel + "    addresses: [10.255.0.1]\n"), "expected address/length, as 10.255.0.1/30"},
           {with(kernel + "    addresses: [224.0.0.5/30]\n"), "no address of one box"},
           {with(kernel + "    addresses: [127.0.0.1/8]\n"), "no address of one box"},
           {with(kernel + "    addresses: [\"::1/128\"]\n"), "no address of one box"},
           {with(kernel + "    addresses: [192.0.2.77/30]\n"), "192.0.2.77/30 is in local subnet 192.0.2.0/24"},
           {with(kernel + "    addresses: [\"fd00::1/64\"]\n    mtu: 1000\n", "mtu:"), "needs an 'mtu' of 1280"},
           {with(kernel + "    local_subnets: [0.0.0.0/0]\n", "local_subnets:"), "holds all of remote subnet"},
           {with(kernel + "    remote_subnets: [203.0.113.0/24]\n", "remote_subnets:"), "the tunnel's peer_endpoint"},
           {with("", "remote_subnets:"), "tunnels[0].remote_subnets: is missing"},
           {with(another(kernel + "    interface: cl-office\n    local_subnets: [192.0.2.0/24]\n")),
            "tunnels[1].interface: interface 'cl-office' is that of tunnel 'office' too"}}) {
    INFO(says);
    CHECK_THAT(mistake_in(text), ContainsSubstring(says));
  }
}

TEST_CASE("Each mistake in what becomes of a tunnel's packets is named", "[config]") {
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {with("    dscp: 64\n"), "tunnels[0].dscp: '64' is not a DSCP: expected 0 to 63, or 'copy'"},
           {with("    dscp: EF\n"), "tunnels[0].dscp: 'EF' is not a DSCP"},
           {with("    pad_to: [576, 128]\n"), "expected lengths that ascend"},
           {with("    pad_to: [576, 576]\n"), "expected lengths that ascend"},
           {with("    pad_to: [576, 1500]\n"), "1500 is more than the mtu, 1420"},
           {with("    pad_to: [10]\n"), "from 64 to 1900"},
           {with("    clamp_mss: 1300\n"), "tunnels[0].clamp_mss: '1300' is not"},
           {with(another(
                "    fragment_outer: true\n    local_subnets: [192.0.2.0/24]\n    remote_subnets: [198.18.0.0/24]\n")),
            "tunnels[1].fragment_outer: tunnel 'office' has the local_endpoint 203.0.113.1:4500 too"}}) {
    INFO(says);
    CHECK_THAT(mistake_in(text), ContainsSubstring(says));
  }
}

TEST_CASE("Each mistake in a constant rate is named", "[config]") {
  const std::string rate = "    constant_packets_per_second: 1000\n";
  const auto more = [&](const std::string& lines) { return with(rate + lines); };
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {more(""), "none"},
           {more("    rekey_packets: 1000\n    rekey_bytes: 2 MiB\n"), "none"},
           {with("    constant_packets_per_second: 9\n"), "from 10 to 100000"},
           {with("    constant_packets_per_second: 100001\n"), "from 10 to 100000"},
           {with("    constant_packets_per_second: 10 Mbit/s\n"), "'10 Mbit/s' is not a rate"},
           {more("    dscp: copy\n"), "tunnels[0].dscp: 'copy' tells by its classes"},
           {more("    pad_to: [576]\n"), "tunnels[0].pad_to: says nothing with"},
           {more("    rekey_bytes: 1 MiB\n"), "rekey_bytes: is reached in less than a second"},
           {with("    constant_packets_per_second: 2000\n    rekey_packets: 1999\n"),
            "rekey_packets: is reached in less than a second"},
           {with("    constant_packets_per_second: 100000\n    when_keys_run_out: {extend: {for: 12h}}\n",
                 "when_keys_run_out:"),
            "ends after 2^32 packets"},
           {more(another(
                "    constant_packets_per_second: 99001\n    local_subnets: [192.0.2.0/24]\n    remote_subnets: "
                "[198.18.0.0/24]\n")),
            "makes 100001 a second with the tunnels before it: a box sends 100000 at most"}}) {
    INFO(says);
    CHECK_THAT(mistake_in(text), ContainsSubstring(says));
  }
}

TEST_CASE("With the kernel's routes two tunnels may lead everywhere, and each has an interface with addresses",
          "[config]") {
  const auto text = with("    routing: kernel\n    addresses: [10.255.0.1/30, \"fe80::1/64\"]\n", "remote_subnets:");
  const auto other = [](const std::string& address) {
    return another(
        "    routing: kernel\n    local_subnets: [192.0.2.0/24]\n    remote_subnets: [192.0.0.0/8]\n    addresses: "
        "[\"" +
        address + "\"]\n");
  };
  const auto parsed = parse({{"box.yaml", text + other("fe80::1/64")}});
  if (!parsed) FAIL(to_string(parsed.error().front()));
  const auto& tunnels = parsed->tunnels;
  REQUIRE(tunnels.size() == 2);
  CHECK(tunnels[0].remote_subnets.size() == 2);
  CHECK(tunnels[0].remote_subnets[0].to_string() == "0.0.0.0/0");
  CHECK(tunnels[0].addresses[0].to_string() == "10.255.0.1/30");
  CHECK(tunnels[0].addresses[0].network.to_string() == "10.255.0.0/30");
  CHECK(tunnels[1].remote_subnets[0].to_string() == "192.0.0.0/8");
  CHECK_THAT(mistake_in(text + other("10.255.0.1/30")), ContainsSubstring("is an address of tunnel 'office' already"));
}

TEST_CASE("By default packets show no class and have their own lengths; each may be set", "[config]") {
  const auto plain = parse({{"box.yaml", example()}});
  REQUIRE(plain);
  const auto& tunnel = plain->tunnels.at(0);
  CHECK(tunnel.clamp_mss);
  CHECK_FALSE(tunnel.fragment_outer);
  CHECK(tunnel.dscp == 0U);
  CHECK(tunnel.pad_to.empty());
  const auto other = parse({{"box.yaml", with("    dscp: copy\n    pad_to: [128, 1420]\n    fragment_outer: true\n")}});
  REQUIRE(other);
  CHECK_FALSE(other->tunnels.at(0).dscp.has_value());
  CHECK(other->tunnels.at(0).pad_to == std::vector<unsigned>{128, 1420});
  CHECK(other->tunnels.at(0).fragment_outer);
  const auto fixed = parse({{"box.yaml", with("    dscp: 46\n")}});
  REQUIRE(fixed);
  CHECK(fixed->tunnels.at(0).dscp == 46U);
}

}  // namespace
}  // namespace cloister::config
