// Someone between the boxes changes one thing at one place of the stream: no block is ever held that the boxes saw
// differently.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/session/session_pair.hpp"

namespace cloister::session {
namespace {
using test::Bytes;
using test::Pair;

/// What one end says on its way, with a change at a byte position of the whole run.
struct Between {
  std::size_t at;  // of the bytes of this direction
  int how;
  std::size_t passed = 0;
  bool done = false;

  Bytes change(Bytes bytes) {
    const std::size_t begin = passed;
    passed += bytes.size();
    if (done || at < begin || at >= passed) return bytes;
    done = true;
    const auto place = static_cast<std::ptrdiff_t>(at - begin);
    switch (how) {
      case 0:
        bytes[static_cast<std::size_t>(place)] ^= std::byte{0x04};
        break;
      case 1:
        bytes.erase(bytes.begin() + place);
        break;
      case 2:
        bytes.insert(bytes.begin() + place, std::byte{0x55});
        break;
      default: {  // the same piece twice
        const Bytes copy = bytes;
        bytes.insert(bytes.end(), copy.begin(), copy.end());
      }
    }
    return bytes;
  }
};

void pass(Pair& pair, std::size_t from, Between& between) {
  auto bytes = std::exchange(pair.ends[from]->outgoing, {});
  if (bytes.empty()) return;
  bytes = between.change(std::move(bytes));
  pair.ends[1 - from]->engine.on_received(bytes, pair.now);
  pair.drain(1 - from);
}

TEST_CASE("One change anywhere, of any kind, ends in an alarm; what both hold they saw alike", "[session]") {
  int changed = 0;
  int blocks = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 chance{seed};
    const std::size_t victim = chance() % 2;
    std::array<Between, 2> between{Between{~std::size_t{0}, 0}, Between{~std::size_t{0}, 0}};
    between[victim] = {chance() % 7000, static_cast<int>(chance() % 4)};

    Pair pair{seed};
    pair.connect();
    const auto move = [&] {
      for (int i = 0; i < 30; ++i) {
        pass(pair, 0, between[0]);
        pass(pair, 1, between[1]);
      }
    };
    move();
    for (std::uint64_t block = 1; block <= 6; ++block) {
      for (int i = 0; i < 4; ++i) {
        for (std::size_t end = 0; end < 2; ++end) {
          Bytes payload(chance() % 200);
          std::ranges::generate(payload, [&] { return static_cast<std::byte>(chance()); });
          pair.ends[end]->engine.send_block_message({block}, 1, payload, pair.now);
          pair.drain(end);
        }
        move();
      }
      for (std::size_t end = 0; end < 2; ++end) pair.close_block(block, end);
      move();
      if (block != 2 || !pair.alice().saw("held 2 bootstrap") || !pair.bob().saw("held 2 bootstrap")) continue;
      for (std::size_t end = 0; end < 2; ++end) {
        pair.ends[end]->engine.add_reserve({2}, crypto::SecretBits{2432}, {}, pair.now);
        pair.drain(end);
      }
      move();
    }
    for (int i = 0; i < 12; ++i) {  // silence is noticed too
      pair.wait(std::chrono::seconds{1});
      move();
    }

    if (between[victim].done) {
      ++changed;
      CHECK_FALSE((pair.alice().alarms.empty() && pair.bob().alarms.empty()));
    }
    for (const auto& [block, notes] : pair.alice().held) {
      const auto other = pair.bob().held.find(block);
      if (other == pair.bob().held.end()) continue;
      ++blocks;
      const auto of_block = [&](const test::End& end) {
        std::vector<Bytes> payloads;
        for (const auto& [number, payload] : end.delivered) {
          if (number == block) payloads.push_back(payload);
        }
        return payloads;
      };
      REQUIRE(of_block(pair.alice()).size() == of_block(pair.bob()).size());
      REQUIRE(notes.first == other->second.second);
      REQUIRE(notes.second == other->second.first);
    }
  }
  CHECK(changed > 200);
  CHECK(blocks > 500);
}

}  // namespace
}  // namespace cloister::session
