// What a new configuration changes in a running box.
#include "appliance/box/changes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "config/parse.hpp"

namespace cloister::box {
namespace {

config::Configuration example() {
  auto box = config::load(CLOISTER_EXAMPLES "/geneva.yaml");
  REQUIRE(box);
  box->links.push_back(box->links[0]);
  box->links[1].name = "other";
  return std::move(*box);
}

Result<Changes> changes_by(const std::function<void(config::Configuration&)>& edit) {
  auto after = example();
  edit(after);
  return changes_between(example(), after);
}

TEST_CASE("An unchanged configuration changes nothing", "[box]") {
  CHECK(changes_by([](auto&) {}) == Changes{});
}

TEST_CASE("A link whose own settings differ is closed and opened; the other one stays", "[box]") {
  const Changes anew{.closed = {"geneva-paris"}, .opened = {"geneva-paris"}, .with_other_tunnels = {}};
  CHECK(changes_by([](auto& box) { box.links[0].distillation.qber_limit = 0.05; }) == anew);
  CHECK(changes_by([](auto& box) { box.links[0].bootstrap.psk = "/var/lib/cloister/new.psk"; }) == anew);
  CHECK(changes_by([](auto& box) { box.links[0].device.plugin.sha256 = "00"; }) == anew);
  CHECK(changes_by([](auto& box) { box.links[0].peer_address.port = 7401; }) == anew);
}

TEST_CASE("Who lets a link bootstrap again changes without its end", "[box]") {
  CHECK(changes_by([](auto& box) { box.links[0].bootstrap.again = config::BootstrapAgain::by_operator; }) == Changes{});
}

TEST_CASE("A link that comes is opened, one that goes is closed", "[box]") {
  CHECK(changes_by([](auto& box) {
          box.links.push_back(box.links[0]);
          box.links[2].name = "third";
        }) == Changes{.closed = {}, .opened = {"third"}, .with_other_tunnels = {}});
  CHECK(changes_by([](auto& box) { box.links.pop_back(); }) ==
        Changes{.closed = {"other"}, .opened = {}, .with_other_tunnels = {}});
}

TEST_CASE("Whatever changes in a link's tunnels leaves the link open", "[box]") {
  const Changes tunnels{.closed = {}, .opened = {}, .with_other_tunnels = {"geneva-paris"}};
  CHECK(changes_by([](auto& box) { box.tunnels[0].mtu = 1300; }) == tunnels);
  CHECK(changes_by([](auto& box) { box.tunnels.clear(); }) == tunnels);
  CHECK(changes_by([](auto& box) { box.tunnels[0].link = "other"; }) ==
        Changes{.closed = {}, .opened = {}, .with_other_tunnels = {"geneva-paris", "other"}});
}

TEST_CASE("What a running box cannot change is refused with the remedy", "[box]") {
  const auto name = changes_by([](auto& box) { box.box.name = "genf"; });
  REQUIRE_FALSE(name);
  CHECK(name.error().message.contains("'box' is not changed"));
  CHECK(name.error().message.contains("systemctl restart cloister"));
  const auto tpm = changes_by([](auto& box) { box.tpm.tcti = "device:/dev/tpm0"; });
  REQUIRE_FALSE(tpm);
  CHECK(tpm.error().message.contains("'tpm' is not changed"));
}

}  // namespace
}  // namespace cloister::box
