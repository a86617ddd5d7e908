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

std::string agreement_of(const config::Configuration& box) {
  std::vector<const config::Tunnel*> tunnels;
  for (const auto& tunnel : box.tunnels) tunnels.push_back(&tunnel);
  const auto agreement = box::agreement_of(box.box.name, box.links.at(0), tunnels);
  REQUIRE(agreement);
  return *agreement;
}

config::Configuration example(const std::string& name) {
  auto box = config::load(CLOISTER_EXAMPLES "/" + name + ".yaml");
  REQUIRE(box);
  return std::move(*box);
}

TEST_CASE("The documentation's two boxes agree", "[box]") {
  CHECK(agreement_of(example("geneva")) == agreement_of(example("paris")));
}

TEST_CASE("What would break traffic or keys is a difference, and its line names it", "[box]") {
  const auto geneva = agreement_of(example("geneva"));
  const auto differs_in = [&](const std::string& name, const std::function<void(config::Configuration&)>& change) {
    auto paris = example("paris");
    change(paris);
    const auto difference = session::first_difference(geneva, agreement_of(paris));
    INFO(name);
    REQUIRE(difference);
    CHECK(difference->contains(name));
  };
  differs_in("device.role", [](auto& box) { box.links[0].device.role = config::DeviceRole::alice; });
  differs_in("tunnel.office.subnets", [](auto& box) { box.tunnels[0].remote_subnets[0].bytes[2] = 3; });
  differs_in("tunnel.office.subnets", [](auto& box) { box.tunnels[0].local_subnets.clear(); });
  differs_in("tunnel.office.stock", [](auto& box) { box.tunnels[0].stock = 9; });
  differs_in("tunnel.office.hybrid", [](auto& box) { box.tunnels[0].hybrid = false; });
  differs_in("tunnel.office.rekey_interval",
             [](auto& box) { box.tunnels[0].rekey_interval = config::milliseconds{5}; });
  differs_in("distillation.epsilon_budget", [](auto& box) { box.links[0].distillation.epsilon_budget = 1e-9; });
  differs_in("distillation.bound", [](auto& box) { box.links[0].distillation.bound = "rusca2018"; });
  differs_in("nothing for it", [](auto& box) { box.tunnels.clear(); });
  differs_in("tunnel.second", [](auto& box) {
    box.tunnels.push_back(box.tunnels[0]);
    box.tunnels[1].name = "second";
  });
}

TEST_CASE("A thousand tunnels are compared too; what two boxes cannot compare is refused at the start", "[box]") {
  const auto many = [](const std::string& name, std::size_t count, std::size_t name_bytes) {
    auto box = example(name);
    const auto first = box.tunnels[0];
    box.tunnels.assign(count, first);
    for (std::size_t i = 0; i < count; ++i) {
      box.tunnels[i].name = std::to_string(i);
      box.tunnels[i].name.insert(0, name_bytes - std::min(name_bytes, box.tunnels[i].name.size()), 'x');
    }
    return box;
  };
  auto paris = many("paris", 1000, 4);
  CHECK(agreement_of(many("geneva", 1000, 4)) == agreement_of(paris));
  paris.tunnels[617].stock = 9;
  const auto difference = session::first_difference(agreement_of(many("geneva", 1000, 4)), agreement_of(paris));
  REQUIRE(difference);
  CHECK(difference->contains("tunnel.x617="));

  const auto box = many("geneva", 1000, 63);
  std::vector<const config::Tunnel*> tunnels;
  for (const auto& tunnel : box.tunnels) tunnels.push_back(&tunnel);
  const auto refused = box::agreement_of(box.box.name, box.links[0], tunnels);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.contains("1000 tunnels"));
}

}  // namespace
}  // namespace cloister::box
