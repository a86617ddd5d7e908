// Tunnels under one-time pads: what belongs beside `cipher`, what does not, and which links may have one.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <format>
#include <string>

#include "config/parse.hpp"
#include "config/show.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

std::string file_with(const std::string& tunnel, const std::string& authentication = "its-preferred",
                      const std::string& device = "{driver: simulator, role: alice}") {
  return std::format(R"(box:
  name: geneva
links:
  - name: line
    peer: paris
    local_address: 203.0.113.1:7400
    peer_address: 203.0.113.2:7400
    bootstrap: {{psk: /etc/cloister/paris.psk}}
    authentication: {{policy: {}}}
    device: {}
tunnels:
  - name: vault
    link: line
    local_subnets: [192.0.2.0/24]
    remote_subnets: [198.51.100.0/24]
    local_endpoint: 203.0.113.1:4500
    peer_endpoint: 203.0.113.2:4500
{})",
                     authentication, device, tunnel);
}

std::string errors_of(const std::string& text) {
  const auto parsed = parse({{"box.yaml", text}});
  std::string all;
  if (!parsed)
    for (const auto& diagnostic : parsed.error()) all += to_string(diagnostic) + "\n";
  return all;
}

TEST_CASE("A tunnel under one-time pads has a pad, and is shown as it is read", "[config]") {
  const auto text = file_with("    cipher: one-time-pad\n");
  const auto parsed = parse({{"box.yaml", text}});
  REQUIRE(parsed);
  CHECK(parsed->tunnels[0].cipher == Cipher::one_time_pad);
  CHECK(parsed->tunnels[0].pad_bytes == 256UZ * 1024);
  CHECK_FALSE(parsed->tunnels[0].hybrid);
  const auto settings = parse_settings({{"box.yaml", text}});
  REQUIRE(settings);
  const auto yaml = to_yaml(*settings);
  CHECK_THAT(yaml, ContainsSubstring("    cipher: one-time-pad\n    pad: 256 KiB  # default\n"));
  CHECK_THAT(yaml, !ContainsSubstring("rekey_interval") && !ContainsSubstring("hybrid"));
  const auto again = parse_settings({{"shown.yaml", yaml}});
  REQUIRE(again);
  CHECK(differences(*settings, *again).empty());
  CHECK(parse({{"box.yaml", file_with("    cipher: one-time-pad\n    pad: 16 MiB\n")}})->tunnels[0].pad_bytes ==
        16UZ << 20U);
  CHECK(parse({{"box.yaml", file_with("")}})->tunnels[0].cipher == Cipher::aes_256_gcm);
}

TEST_CASE("Beside one-time pads nothing stands that is of keys, nor a pad beside keys", "[config]") {
  for (const std::string key : {"rekey_interval: 10s", "key_lifetime: 30s", "rekey_bytes: 1 GiB", "rekey_packets: 1000",
                                "stock: 64", "when_keys_run_out: pqc", "hybrid: true"}) {
    const auto errors = errors_of(file_with("    cipher: one-time-pad\n    " + key + "\n"));
    INFO(key << "\n" << errors);
    CHECK_THAT(errors, ContainsSubstring("is of tunnels that change their keys"));
    CHECK_THAT(errors, !ContainsSubstring("unknown key"));
  }
  CHECK_THAT(errors_of(file_with("    cipher: one-time-pad\n    constant_packets_per_second: 100\n")),
             ContainsSubstring("dummies would use up the pad"));
  const auto errors = errors_of(file_with("    pad: 64 KiB\n"));
  CHECK_THAT(errors, ContainsSubstring("tunnels[0].pad: is of tunnels with 'cipher: one-time-pad'"));
  CHECK_THAT(errors, !ContainsSubstring("unknown key"));
  CHECK_THAT(errors_of(file_with("    cipher: caesar\n")),
             ContainsSubstring("expected 'aes-256-gcm' or 'one-time-pad'"));
  CHECK_THAT(errors_of(file_with("    cipher: one-time-pad\n    pad: 1 KiB\n")), ContainsSubstring("from 16 KiB"));
}

TEST_CASE("A link whose blocks no QKD key authenticates, or whose keys are a KME's, gives no one-time pads",
          "[config]") {
  const std::string pads = "    cipher: one-time-pad\n";
  CHECK_THAT(errors_of(file_with(pads, "computational")), ContainsSubstring("is authenticated by QKD keys: set its"));
  CHECK(errors_of(file_with("", "computational")).empty());
  CHECK(errors_of(file_with(pads, "its-only")).empty());
  const std::string kme =
      "{driver: etsi014, role: alice, etsi014: {url: 'https://192.0.2.9', own_sae: a, peer_sae: b, ca: /ca, "
      "certificate: /certificate, key: /key}}";
  CHECK_THAT(errors_of(file_with(pads, "its-preferred", kme)), ContainsSubstring("what they are worth is its word"));
  CHECK(errors_of(file_with("", "its-preferred", kme)).empty());
}

}  // namespace
}  // namespace cloister::config
