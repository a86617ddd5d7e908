// What two boxes compare before they make keys: the documentation's pair agrees, each difference that would break traffic does not.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/box/agreement.hpp"
#include "appliance/session/greeting.hpp"
#include "config/parse.hpp"

namespace cloister::box {
namespace {

/// All that the first link and its tunnels must have alike.
std::string all_of(const config::Configuration& box) {
  auto all = agreement_of(box.box.name, box.links.at(0));
  for (const auto& tunnel : box.tunnels) all += terms_of(box.box.name, box.links.at(0).peer, tunnel);
  return all;
}

config::Configuration example(const std::string& name) {
  auto box = config::load(CLOISTER_EXAMPLES "/" + name + ".yaml");
  REQUIRE(box);
  return std::move(*box);
}

TEST_CASE("The documentation's two boxes agree", "[box]") {
  CHECK(all_of(example("geneva")) == all_of(example("paris")));
}

TEST_CASE("What is behind a box that routes by the kernel's table is its own affair", "[box]") {
  auto geneva = example("geneva");
  auto paris = example("paris");
  for (auto* box : {&geneva, &paris}) box->tunnels[0].routing = config::Routing::kernel;
  paris.tunnels[0].local_subnets[0].bytes[2] = 3;
  CHECK(all_of(geneva) == all_of(paris));
}

TEST_CASE("What would break traffic or keys is a difference, and its line names it", "[box]") {
  const auto geneva = all_of(example("geneva"));
  const auto differs_in = [&](const std::string& name, const std::function<void(config::Configuration&)>& change) {
    auto paris = example("paris");
    change(paris);
    const auto difference = session::first_difference(geneva, all_of(paris));
    INFO(name);
    REQUIRE(difference);
    CHECK(difference->contains(name));
  };
  differs_in("device.role", [](auto& box) { box.links[0].device.role = config::DeviceRole::alice; });
  differs_in("subnets", [](auto& box) { box.tunnels[0].remote_subnets[0].bytes[2] = 3; });
  differs_in("subnets", [](auto& box) { box.tunnels[0].local_subnets.clear(); });
  differs_in("subnets", [](auto& box) { box.tunnels[0].routing = config::Routing::kernel; });
  differs_in("stock", [](auto& box) { box.tunnels[0].stock = 9; });
  differs_in("constant_packets_per_second", [](auto& box) { box.tunnels[0].constant_packets_per_second = 100; });
  differs_in("hybrid", [](auto& box) { box.tunnels[0].hybrid = false; });
  differs_in("cipher", [](auto& box) { box.tunnels[0].cipher = config::Cipher::one_time_pad; });
  const auto under_pads = [](const config::Configuration& from, std::uint64_t pad_bytes) {
    auto box = from;
    box.tunnels[0].cipher = config::Cipher::one_time_pad;
    box.tunnels[0].pad_bytes = pad_bytes;
    return all_of(box);
  };
  CHECK(under_pads(example("geneva"), 65'536) == under_pads(example("paris"), 65'536));
  const auto pads =
      session::first_difference(under_pads(example("geneva"), 65'536), under_pads(example("paris"), 65'537));
  REQUIRE(pads);
  CHECK(pads->contains("pad="));
  differs_in("rekey_interval", [](auto& box) { box.tunnels[0].rekey_interval = config::milliseconds{5}; });
  differs_in("distillation.epsilon_budget", [](auto& box) { box.links[0].distillation.epsilon_budget = 1e-9; });
  differs_in("distillation.bound", [](auto& box) { box.links[0].distillation.bound = "rusca2018"; });
}

TEST_CASE("Of finished keys the boxes compare whose they are and how long, and nothing of light", "[box]") {
  const auto geneva = example("finished-keys");
  auto paris = geneva;
  paris.box.name = "paris";
  auto& link = paris.links[0];
  link.peer = "geneva";
  link.device.role = config::DeviceRole::bob;
  std::swap(link.device.etsi014.own_sae, link.device.etsi014.peer_sae);
  link.device.etsi014.url = {.host = "198.51.100.20", .port = 443};
  link.device.etsi014.block_bits = 65'536;
  link.distillation.qber_limit = 0.05;
  const auto of = [](const config::Configuration& box) { return agreement_of(box.box.name, box.links[0]); };
  CHECK(of(geneva) == of(paris));
  for (const auto& [name, change] : std::vector<std::pair<std::string, std::function<void(config::Link&)>>>{
           {"device.driver", [](auto& other) { other.device.driver = "simulator"; }},
           {"device.role", [](auto& other) { other.device.role = config::DeviceRole::alice; }},
           {"device.etsi014.sae", [](auto& other) { other.device.etsi014.own_sae = "rome-sae"; }},
           {"device.etsi014.key_size", [](auto& other) { other.device.etsi014.key_size_bits = 128; }},
           {"authentication.reserve", [](auto& other) { other.authentication.reserve_bytes = 1; }}}) {
    INFO(name);
    auto other = paris;
    change(other.links[0]);
    const auto difference = session::first_difference(of(geneva), of(other));
    REQUIRE(difference);
    CHECK(difference->contains(name));
  }
}

}  // namespace
}  // namespace cloister::box
