// The engines of a one-time-pad tunnel, two of them: what either uses the other has, and no bit is used twice, whatever
// is lost between two sessions.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <random>
#include <set>
#include <vector>

#include "appliance/vpn/pad_engine.hpp"
#include "appliance/vpn/pad_messages.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::vpn {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t units_max = 64;

crypto::TunnelKey key_of(const wire::KeyName& name, std::size_t stock) {
  std::mt19937_64 generator{(name.block.value << 32U) + 2 * name.index + stock};
  crypto::TunnelKey key;
  for (auto& byte : key.fill()) byte = static_cast<std::byte>(generator());
  return key;
}

struct Box {
  explicit Box(std::uint64_t seed) : random{seed} {}
  test::SeededRandom random;
  PadEngine engine{{.tunnel = "office", .units_max = units_max}, random};
  std::array<std::deque<wire::KeyName>, 2> stocks;       // sending, receiving
  std::array<std::deque<wire::KeyName>, 2> hash_stocks;  // the same
  [[nodiscard]] std::array<std::deque<wire::KeyName>, 2>& of(PadStock stock) {
    return stock == PadStock::pad ? stocks : hash_stocks;
  }
  wire::Authenticator by = wire::Authenticator::qkd;
  std::deque<SendMessage> sent;
  std::shared_ptr<InboundPadSa> in;
  std::shared_ptr<OutboundPadSa> out;
  std::vector<std::string> told;
};

struct Boxes {
  Boxes() { fill(1, 40); }

  std::array<Box, 2> boxes{Box{1}, Box{2}};
  Instant now{1h};

  void fill(std::uint64_t block, std::uint32_t keys) {
    for (std::size_t box = 0; box < 2; ++box) {
      for (std::uint32_t to = 0; to < 2; ++to) {
        const std::size_t direction = box == to ? 1 : 0;
        for (std::uint32_t i = 0; i < keys; ++i) boxes[box].stocks[direction].push_back({{block}, 2 * i + to});
        for (std::uint32_t i = 0; i < 2; ++i)
          boxes[box].hash_stocks[direction].push_back({{block}, 1'000'000 + 2 * i + to});
      }
    }
  }

  void drain(std::size_t number) {
    Box& box = boxes[number];
    const auto give = [&](std::size_t stock, const std::vector<wire::KeyName>& names) {
      if (names.empty()) return box.engine.on_no_keys(now);
      std::vector<GivenKey> keys;
      for (const auto& name : names) keys.push_back({name, box.by, key_of(name, stock == 0 ? 1 - number : number)});
      box.engine.on_keys(std::move(keys), now);
    };
    struct Visitor {
      Boxes& self;
      Box& box;
      const decltype(give)& answer;
      void operator()(SendMessage& message) const { box.sent.push_back(std::move(message)); }
      void operator()(NeedPadKeys& need) const {
        auto& stock = box.of(need.stock)[0];
        std::vector<wire::KeyName> names(
            stock.begin(), stock.begin() + static_cast<std::ptrdiff_t>(std::min(need.most, stock.size())));
        stock.erase(stock.begin(), stock.begin() + static_cast<std::ptrdiff_t>(names.size()));
        answer(0, names);
      }
      void operator()(NeedNamedPadKeys& need) const {
        auto& stock = box.of(need.stock)[1];
        std::erase_if(stock, [&](const auto& name) { return name < need.names.front(); });
        bool all = stock.size() >= need.names.size();
        all = all && std::equal(need.names.begin(), need.names.end(), stock.begin());
        std::erase_if(stock, [&](const auto& name) { return name <= need.names.back(); });
        answer(1, all ? need.names : std::vector<wire::KeyName>{});
      }
      void operator()(BurnPadKeysBefore& burn) const {
        std::erase_if(box.of(burn.stock)[0], [&](const auto& name) { return name < burn.sending; });
        std::erase_if(box.of(burn.stock)[1], [&](const auto& name) { return name < burn.receiving; });
      }
      void operator()(InstallPadInbound& install) const { box.in = install.sa; }
      void operator()(InstallPadOutbound& install) const { box.out = install.sa; }
      void operator()(RetirePadInbound&) const { box.in.reset(); }
      void operator()(RetirePadOutbound&) const { box.out.reset(); }
      void operator()(WakeAt&) const {}
      void operator()(TunnelUp&) const { box.told.emplace_back("up"); }
      void operator()(TunnelBlocked& blocked) const { box.told.push_back(blocked.reason); }
    };
    while (auto action = box.engine.next_action()) std::visit(Visitor{*this, box, give}, *action);
  }

  /// One message of that box arrives.
  bool deliver(std::size_t from) {
    auto& sent = boxes[from].sent;
    if (sent.empty()) return false;
    const SendMessage message = std::move(sent.front());
    sent.pop_front();
    REQUIRE(boxes[1 - from].engine.on_message(message.type, message.payload, now));
    drain(1 - from);
    return true;
  }
  void session_up() {
    for (std::size_t box = 0; box < 2; ++box) {
      boxes[box].engine.on_session_up(now);
      drain(box);
    }
  }
  void session_down() {
    for (std::size_t box = 0; box < 2; ++box) {
      boxes[box].sent.clear();
      boxes[box].engine.on_session_down(now);
      drain(box);
    }
  }
  void settle() {
    for (int round = 0; round < 20; ++round) {
      while (deliver(0) || deliver(1)) {
      }
      for (std::size_t box = 0; box < 2; ++box) {
        boxes[box].engine.on_timer(now);
        drain(box);
      }
    }
  }
  /// As many as there is pad for, at most; all must arrive.
  std::size_t send(std::size_t from, std::size_t most = 1000) {
    std::size_t sent = 0;
    for (; sent < most && boxes[from].out; ++sent) {
      std::vector<std::byte> datagram(pad_datagram_bytes(40));
      datagram[pad_packet_at] = std::byte{0x45};
      datagram[pad_packet_at + 3] = std::byte{40};
      if (!boxes[from].out->seal(40, datagram)) break;
      // The text is known, so is the pad that it has used: none of it was seen before.
      std::vector<std::byte> text(64);
      text[1] = text[5] = std::byte{40};
      text[2] = std::byte{0x45};
      for (std::size_t unit = 0; unit < 4; ++unit) {
        std::vector<std::byte> pad(16);
        for (std::size_t i = 0; i < 16; ++i) pad[i] = datagram[16 + 16 * unit + i] ^ text[16 * unit + i];
        REQUIRE(seen.insert(pad).second);
      }
      REQUIRE(places.insert({datagram.begin() + 4, datagram.begin() + 16}).second);
      std::vector<std::byte> out(datagram.size());
      REQUIRE(boxes[1 - from].in);
      REQUIRE(boxes[1 - from].in->open(datagram, out));
    }
    return sent;
  }
  std::set<std::vector<std::byte>> seen;
  std::set<std::vector<std::byte>> places;
};

TEST_CASE("Pad is agreed on, used both ways, and filled again as long as there are keys", "[vpn]") {
  Boxes boxes;
  boxes.session_up();
  boxes.settle();
  CHECK(boxes.boxes[0].told == std::vector<std::string>{"up"});
  CHECK(boxes.boxes[1].engine.status().state == "up");
  // Of 40 keys 32 are ahead, 8 are in the stock.
  CHECK(boxes.boxes[0].out->left() == units_max);
  CHECK(boxes.boxes[0].stocks[0].size() == 8);
  CHECK(boxes.boxes[1].stocks[1].size() == 8);
  CHECK(boxes.boxes[0].hash_stocks[0].size() == 1);
  CHECK(boxes.send(0) == 12);
  CHECK(boxes.send(1, 3) == 3);
  boxes.settle();
  CHECK(boxes.boxes[0].engine.status().state == "blocked");
  CHECK(boxes.boxes[0].told.back() == "too little pad is left for the longest packet");
  CHECK(boxes.boxes[1].engine.status().state == "up");
  CHECK(boxes.boxes[1].out->left() > units_max - units_max / 8);
  CHECK(boxes.send(0) == 4);  // what has come meanwhile
  boxes.settle();
  CHECK(boxes.boxes[0].engine.status().state == "blocked");
  boxes.fill(2, 20);
  boxes.settle();
  CHECK(boxes.boxes[0].engine.status().state == "up");
  CHECK(boxes.send(0) > 0);
}

TEST_CASE("A session that ends between any two messages leaves pad that both agree on", "[vpn]") {
  for (int messages = 0; messages < 14; ++messages) {
    for (const std::size_t first : {0U, 1U}) {
      INFO(messages << " messages, box " << first << " first");
      Boxes boxes;
      boxes.session_up();
      for (int i = 0; i < messages; ++i) static_cast<void>(boxes.deliver((first + static_cast<std::size_t>(i)) % 2));
      boxes.session_down();
      boxes.send(0, 2);
      boxes.send(1, 2);
      boxes.session_up();
      boxes.fill(2, 40);
      boxes.settle();
      for (std::size_t box = 0; box < 2; ++box) {
        CHECK(boxes.boxes[box].out->end() == boxes.boxes[1 - box].in->end());
        CHECK(boxes.send(box) > 8);
      }
      CHECK(boxes.boxes[0].stocks[0] == boxes.boxes[1].stocks[1]);
      CHECK(boxes.boxes[1].stocks[0] == boxes.boxes[0].stocks[1]);
    }
  }
}

TEST_CASE("A box that was restarted has no pad, and the other burns its own", "[vpn]") {
  Boxes boxes;
  boxes.session_up();
  boxes.settle();
  const auto old = boxes.boxes[0].out;
  boxes.session_down();
  boxes.boxes[1].engine = PadEngine{{.tunnel = "office", .units_max = units_max}, boxes.boxes[1].random};
  boxes.boxes[1].in.reset();
  boxes.boxes[1].out.reset();
  for (auto& box : boxes.boxes) {
    for (auto& stock : box.stocks) stock.clear();
    for (auto& stock : box.hash_stocks) stock.clear();
  }
  boxes.session_up();
  boxes.settle();
  CHECK(old->left() == 0);
  CHECK(boxes.boxes[0].told.back() == "the peer no longer has the SA");
  boxes.fill(2, 40);
  boxes.settle();
  CHECK(boxes.send(0) > 0);
  CHECK(boxes.send(1) > 0);
}

TEST_CASE("What the receiver does not have is burnt on both", "[vpn]") {
  Boxes boxes;
  boxes.boxes[1].stocks[1].erase(boxes.boxes[1].stocks[1].begin() + 5);
  boxes.session_up();
  boxes.settle();
  boxes.fill(2, 40);
  boxes.settle();
  CHECK(boxes.boxes[0].out->end() == boxes.boxes[1].in->end());
  CHECK(boxes.send(0) > 0);
}

TEST_CASE("Keys of a block that no pad has paid for are no pad", "[vpn]") {
  Boxes boxes;
  boxes.boxes[0].by = wire::Authenticator::computational;
  boxes.session_up();
  boxes.settle();
  CHECK(boxes.boxes[0].engine.status().state == "waiting");
  CHECK_FALSE(boxes.boxes[0].out);
  CHECK_FALSE(boxes.boxes[0].in);
}

TEST_CASE("A peer that names what it may not is an error", "[vpn]") {
  Boxes boxes;
  boxes.session_up();
  const auto refused = [&](PadMessage type, const std::vector<std::byte>& payload) {
    const auto taken = boxes.boxes[0].engine.on_message(static_cast<std::uint8_t>(type), payload, boxes.now);
    boxes.drain(0);
    return !taken;
  };
  CHECK(refused(PadMessage::open, encode(PadOpen{1, {{1}, 1}})));  // before its standing
  boxes.settle();
  CHECK(refused(PadMessage::standing, encode(PadStanding{})));
  CHECK(refused(PadMessage::open, encode(PadOpen{1, {{1}, 1}})));
  CHECK(refused(PadMessage::opened, encode(PadOpened{1, {256}})));
  CHECK(refused(PadMessage::give, encode(PadGive{1, 0, {{{3}, 0}}})));
  CHECK(refused(PadMessage::give, encode(PadGive{2, boxes.boxes[0].in->end(), {{{3}, 0}}})));
  CHECK(refused(PadMessage::taken, encode(PadTaken{1, 64})));
  CHECK(refused(PadMessage::refused, encode(PadRefused{1, 64})));
  CHECK(refused(static_cast<PadMessage>(7), {}));
}

TEST_CASE("Messages are read as they are written, and nothing else is one", "[vpn]") {
  const auto standing = encode(PadStanding{{5, 4, 100, {{7}, 3}, {{7}, 9}}, {2, 0, 0, {{1}, 1}, {}}});
  const auto read = decode_pad_message(1, standing);
  REQUIRE(read);
  CHECK(encode(std::get<PadStanding>(*read)) == standing);
  const auto give = encode(PadGive{3, 10, {{{7}, 3}, {{7}, 4}, {{8}, 0}}});
  const auto given = decode_pad_message(4, give);
  REQUIRE(given);
  CHECK(encode(std::get<PadGive>(*given)) == give);
  const std::vector<std::pair<std::uint8_t, std::vector<std::byte>>> all{
      {1, standing}, {2, encode(PadOpen{1, {{1}, 1}})}, {3, encode(PadOpened{1, {256}})},
      {4, give},     {5, encode(PadTaken{1, 2})},       {6, encode(PadRefused{1, 2})}};
  for (const auto& [type, payload] : all) {
    CHECK(decode_pad_message(type, payload));
    auto longer = payload;
    longer.push_back({});
    CHECK_FALSE(decode_pad_message(type, longer));
    for (std::size_t size = 0; size < payload.size(); ++size)
      CHECK_FALSE(decode_pad_message(type, std::span{payload}.first(size)));
  }
  CHECK_FALSE(decode_pad_message(3, encode(PadOpened{1, {255}})));
  CHECK_FALSE(decode_pad_message(4, encode(PadGive{1, 0, {}})));
  // Behind these there is no other.
  constexpr auto last = ~std::uint32_t{0};
  CHECK_FALSE(decode_pad_message(2, encode(PadOpen{1, {{1}, last}})));
  CHECK_FALSE(decode_pad_message(4, encode(PadGive{1, 0, {{{7}, last}}})));
  CHECK_FALSE(decode_pad_message(1, encode(PadStanding{{~std::uint64_t{0}, 0, 0, {}, {}}, {}})));
  CHECK_FALSE(decode_pad_message(2, encode(PadOpen{~std::uint64_t{0}, {{1}, 1}})));
  CHECK_FALSE(decode_pad_message(4, encode(PadGive{1, 0, {{{7}, 4}, {{7}, 4}}})));
  CHECK_FALSE(decode_pad_message(4, encode(PadGive{1, 0, std::vector<wire::KeyName>(257, {{7}, 4})})));
  CHECK_FALSE(decode_pad_message(1, encode(PadStanding{{3, 4, 0, {}, {}}, {}})));
}

}  // namespace
}  // namespace cloister::vpn
