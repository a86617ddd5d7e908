// The list of tunnels that both boxes have: a tunnel runs while both have it alike, and each difference is named.
#include "appliance/vpn/roster.hpp"

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <random>
#include <string>

namespace cloister::vpn {
namespace {

const TunnelTerms office{"office", "subnets=192.0.2.0/24\nhybrid=true\n"};
const TunnelTerms backup{"backup", "subnets=198.51.100.0/24\nhybrid=true\n"};
const TunnelTerms weaker_office{"office", "subnets=192.0.2.0/24\nhybrid=false\n"};

/// Two rosters, and what is on its way between them.
struct Pair {
  Roster here{"paris", {office, backup}};
  Roster there{"geneva", {office, backup}};
  std::deque<Roster::Message> to_here;
  std::deque<Roster::Message> to_there;

  void up() {
    here.on_session_up();
    there.on_session_up();
  }
  void send() {
    while (auto message = here.next_message()) to_there.push_back(std::move(*message));
    while (auto message = there.next_message()) to_here.push_back(std::move(*message));
  }
  static bool deliver_one(std::deque<Roster::Message>& from, Roster& to) {
    if (from.empty()) return false;
    const auto message = std::move(from.front());
    from.pop_front();
    REQUIRE(to.on_message(message.type, message.payload));
    return true;
  }
  void settle() {
    for (send(); !to_here.empty() || !to_there.empty(); send()) {
      while (deliver_one(to_here, here)) {
      }
      while (deliver_one(to_there, there)) {
      }
    }
  }
};

TEST_CASE("What both boxes have alike is shared once each knows that the other knows", "[roster]") {
  Pair boxes;
  CHECK_FALSE(boxes.here.shared(id_of(office)));
  boxes.up();
  boxes.send();
  REQUIRE(Pair::deliver_one(boxes.to_here, boxes.here));
  CHECK_FALSE(boxes.here.shared(id_of(office)));  // the peer has not seen ours
  boxes.settle();
  for (const auto* box : {&boxes.here, &boxes.there}) {
    CHECK(box->shared(id_of(office)));
    CHECK(box->shared(id_of(backup)));
    CHECK(box->differences().empty());
  }
  boxes.here.on_session_down();
  CHECK_FALSE(boxes.here.shared(id_of(office)));
  CHECK_FALSE(boxes.here.missing(id_of(office)));  // nobody knows
}

TEST_CASE("A tunnel that differs, or that one box lacks, is named on both and not shared; the others are", "[roster]") {
  Pair boxes;
  boxes.there = Roster{"geneva", {weaker_office, backup, {"extra", ""}}};
  boxes.up();
  boxes.settle();
  CHECK(boxes.here.missing(id_of(office)));
  CHECK_FALSE(boxes.here.shared(id_of(office)));
  CHECK(boxes.here.shared(id_of(backup)));
  CHECK(boxes.here.differences() ==
        Roster::Differences{{"office", "'hybrid=true' here, 'hybrid=false' there"},
                            {"extra", "box 'paris' has a tunnel of this name, this box has none"}});
  CHECK(boxes.there.differences() == Roster::Differences{{"office", "'hybrid=false' here, 'hybrid=true' there"},
                                                         {"extra", "box 'geneva' has no tunnel of this name"}});
}

TEST_CASE("A change on one box, then on the other, touches that tunnel alone", "[roster]") {
  Pair boxes;
  boxes.up();
  boxes.settle();
  boxes.here.change({weaker_office, backup});
  CHECK(boxes.here.shared(id_of(backup)));  // at once: it was not touched
  boxes.settle();
  CHECK_FALSE(boxes.there.shared(id_of(office)));
  CHECK(boxes.there.shared(id_of(backup)));
  CHECK(boxes.there.differences().contains("office"));
  boxes.there.change({weaker_office, backup});
  boxes.settle();
  for (const auto* box : {&boxes.here, &boxes.there}) {
    CHECK(box->shared(id_of(weaker_office)));
    CHECK_FALSE(box->shared(id_of(office)));
    CHECK(box->shared(id_of(backup)));
    CHECK(box->differences().empty());
  }
}

TEST_CASE("A tunnel that went and came back runs only once the peer has seen that", "[roster]") {
  Pair boxes;
  boxes.up();
  boxes.settle();
  boxes.here.change({backup});
  boxes.here.change({office, backup});
  // What the peer sends now, it may still say of the tunnel as it was.
  CHECK_FALSE(boxes.here.shared(id_of(office)));
  boxes.send();
  REQUIRE(Pair::deliver_one(boxes.to_there, boxes.there));
  CHECK(boxes.there.missing(id_of(office)));  // it is seen to have gone
  REQUIRE(Pair::deliver_one(boxes.to_there, boxes.there));
  CHECK(boxes.there.shared(id_of(office)));
  boxes.settle();
  CHECK(boxes.here.shared(id_of(office)));
}

TEST_CASE("Whatever the order of changes and messages, both boxes end with what both have", "[roster]") {
  for (unsigned seed = 0; seed < 500; ++seed) {
    INFO("seed " << seed);
    std::mt19937 chance{seed};
    const auto some = [&] {
      std::vector<TunnelTerms> tunnels;
      for (const auto& tunnel : {office, backup, TunnelTerms{"third", "x=1\n"}}) {
        if (chance() % 3 != 0) tunnels.push_back({tunnel.name, tunnel.terms + (chance() % 4 == 0 ? "y=2\n" : "")});
      }
      return tunnels;
    };
    Pair boxes;
    boxes.up();
    std::vector<TunnelTerms> here{office, backup};
    std::vector<TunnelTerms> there{office, backup};
    for (int step = 0; step < 40; ++step) {
      boxes.send();
      switch (chance() % 6) {
        case 0:
          boxes.here.change(here = some());
          break;
        case 1:
          boxes.there.change(there = some());
          break;
        case 2:
        case 3:
          Pair::deliver_one(boxes.to_here, boxes.here);
          break;
        default:
          Pair::deliver_one(boxes.to_there, boxes.there);
      }
    }
    boxes.settle();
    for (const auto& tunnel : here) {
      const bool both = std::ranges::find(there, tunnel) != there.end();
      REQUIRE(boxes.here.shared(id_of(tunnel)) == both);
      REQUIRE(boxes.there.shared(id_of(tunnel)) == both);
    }
    REQUIRE(boxes.here.differences().empty() == (here == there));
  }
}

TEST_CASE("A list is read as written, and refused when cut, lengthened, out of turn or unreadable", "[roster]") {
  const RosterList list{1, {office, backup}};
  const auto bytes = encode(list);
  REQUIRE(bytes);
  CHECK(decode_roster_list(*bytes) == list);
  for (std::size_t length = 0; length < bytes->size(); ++length)
    REQUIRE_FALSE(decode_roster_list(std::span{*bytes}.first(length)));
  auto longer = *bytes;
  longer.push_back({});
  CHECK_FALSE(decode_roster_list(longer));
  CHECK_FALSE(decode_roster_list(*encode(RosterList{1, {office, weaker_office}})));  // two of one name
  CHECK_FALSE(decode_roster_list(*encode(RosterList{1, {{"o\x1b[2J", ""}}})));

  Roster roster{"paris", {office}};
  roster.on_session_up();
  CHECK_FALSE(roster.on_message(1, *encode(RosterList{2, {office}})));
  CHECK(roster.on_message(1, *encode(RosterList{1, {office}})));
  CHECK_FALSE(roster.on_message(1, *encode(RosterList{1, {office}})));
  const std::vector<std::byte> never_sent{{}, {}, {}, std::byte{9}};
  CHECK_FALSE(roster.on_message(2, never_sent));
  CHECK_FALSE(roster.on_message(3, {}));
}

TEST_CASE("What two boxes cannot compare is refused with the remedy", "[roster]") {
  const auto wide = encode(RosterList{1, {{"wide", std::string(70'000, 'x')}}});
  REQUIRE_FALSE(wide);
  CHECK(wide.error().message.contains("tunnel 'wide' has more subnets"));
  const auto many = encode(RosterList{1, std::vector<TunnelTerms>(5000, office)});
  REQUIRE_FALSE(many);
  CHECK(many.error().message.contains("several links"));
  CHECK(encode(RosterList{1, std::vector<TunnelTerms>(1000, office)}));
}

}  // namespace
}  // namespace cloister::vpn
