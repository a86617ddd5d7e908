// What two boxes compare before they make keys: the documentation's pair agrees, each difference that would break traffic does not.
#include <catch2/catch_test_macros.hpp>
#include <functional>
#include <string>
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
  differs_in("stock", [](auto& box) { box.tunnels[0].stock = 9; });
  differs_in("hybrid", [](auto& box) { box.tunnels[0].hybrid = false; });
  differs_in("rekey_interval", [](auto& box) { box.tunnels[0].rekey_interval = config::milliseconds{5}; });
  differs_in("distillation.epsilon_budget", [](auto& box) { box.links[0].distillation.epsilon_budget = 1e-9; });
  differs_in("distillation.bound", [](auto& box) { box.links[0].distillation.bound = "rusca2018"; });
}

}  // namespace
}  // namespace cloister::box
