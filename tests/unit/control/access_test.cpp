// Who may do what on the control socket.
#include "appliance/control/access.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>

#include "appliance/control/protocol.hpp"

namespace cloister::control {
namespace {

constexpr unsigned service = 990;
constexpr unsigned viewers = 991;
constexpr unsigned operators = 992;

TEST_CASE("Rights follow from user and groups, and from nothing else", "[control]") {
  struct Case {
    Peer peer;
    Right right;
    const char* who;
  };
  const Access access{.service_user = service, .viewers = viewers, .operators = operators};
  const auto cases = std::to_array<Case>({
      {{.user = 0, .groups = {}}, Right::own, "root"},
      {{.user = service, .groups = {service}}, Right::operate, "the service itself"},
      {{.user = 1000, .groups = {100, operators}}, Right::operate, "an operator"},
      {{.user = 1000, .groups = {operators}}, Right::operate, "an operator by the first group"},
      {{.user = 1000, .groups = {viewers, operators}}, Right::operate, "a member of both"},
      {{.user = 1000, .groups = {100, viewers}}, Right::view, "a viewer"},
      {{.user = 1000, .groups = {100, service}}, Right::nothing, "a member of the service's group"},
      {{.user = operators, .groups = {100}}, Right::nothing, "a user whose number is the group's"},
      {{.user = 1000, .groups = {0}}, Right::nothing, "a member of root's group"},
      {{.user = 1000, .groups = {}}, Right::nothing, "a user without groups"},
  });
  for (const auto& [peer, right, who] : cases) {
    INFO(who);
    CHECK(access.right_of(peer) == right);
  }
}

TEST_CASE("Where the groups do not exist nobody is in them", "[control]") {
  const Access access{.service_user = service, .viewers = std::nullopt, .operators = std::nullopt};
  CHECK(access.right_of({.user = 1000, .groups = {0, 100}}) == Right::nothing);
  CHECK(access.right_of({.user = 0, .groups = {}}) == Right::own);
}

TEST_CASE("The kernel names the user and all groups of the other end", "[control]") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const auto peer = peer_of(ends[0]);
  ::close(ends[0]);
  ::close(ends[1]);
  REQUIRE(peer);
  CHECK(peer->user == ::geteuid());
  std::vector<unsigned> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
  REQUIRE(::getgroups(static_cast<int>(own.size()), own.data()) == static_cast<int>(own.size()));
  own.push_back(::getegid());
  CHECK(peer->groups == own);
  CHECK_FALSE(peer_of(-1));
}

TEST_CASE("To look needs less than to change something", "[control]") {
  CHECK(right_for(Request::status) == Right::view);
  for (const auto request :
       {Request::zeroize, Request::rekey, Request::bootstrap, Request::acknowledge, Request::selftest, Request::reload})
    CHECK(right_for(request) == Right::operate);
  CHECK(right_for(Request::factory_reset) == Right::own);
}

TEST_CASE("Who lacks a right is told the group and the command", "[control]") {
  for (const auto& [lacking, group] : {std::pair{Right::view, view_group}, std::pair{Right::operate, operate_group}}) {
    const auto refused = decode_status(encode_lacking(lacking));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Failure::Kind::right_lacking);
    CHECK(refused.error().message.contains(std::string{"usermod -aG "} + group));
  }
  const auto refused = decode_done(encode_lacking(Right::own));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Failure::Kind::right_lacking);
  CHECK(refused.error().message.contains("only root"));
}

}  // namespace
}  // namespace cloister::control
