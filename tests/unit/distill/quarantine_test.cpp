// Which blocks are kept back, until when, and that neither box's finding leaves one of them to be a key.
#include "appliance/distill/quarantine.hpp"

#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <utility>
#include <vector>

#include "appliance/distill/messages.hpp"

namespace cloister::distill {
namespace {
using namespace std::chrono_literals;

/// A chain that does what it is told.
class Scripted final : public Chain {
 public:
  struct Script {
    std::deque<Action> actions;
    std::vector<BlockId> heard;  // messages that came through
    int frames = 0;
    std::string discarded;
  };
  explicit Scripted(Script& script) : script_{script} {}
  void start(BlockId) override {}
  void stop() override {}
  void on_frame(hal::DetectionFrame) override { ++script_.frames; }
  bool wants_frame() const override { return false; }
  void discard(const std::string& why) override { script_.discarded = why; }
  Result<> on_message(BlockId block, std::uint8_t, std::span<const std::byte>) override {
    script_.heard.push_back(block);
    return {};
  }
  std::optional<Action> next_action() override {
    if (script_.actions.empty()) return std::nullopt;
    Action action = std::move(script_.actions.front());
    script_.actions.pop_front();
    return action;
  }
  Figures figures() const override { return {}; }

 private:
  Script& script_;
};

constexpr auto drop_type = static_cast<std::uint8_t>(MessageType::drop);

struct Kept {
  explicit Kept(std::chrono::milliseconds quiet_for) : quarantine{std::make_unique<Scripted>(script), quiet_for} {
    quarantine.start({1});
  }
  /// A block that was in the making for a second of light, with so many clicks.
  void make(std::uint64_t block, std::uint64_t clicks = 1000, std::size_t bits = 4096) {
    script.actions.emplace_back(Send{{block}, 1, {}});
    CHECK(released().empty());
    quarantine.watched(1, clicks);
    script.actions.emplace_back(Amplified{{block}, crypto::SecretBits{bits}, {}});
  }
  std::vector<Action> drain() {
    std::vector<Action> actions;
    while (auto action = quarantine.next_action()) actions.push_back(std::move(*action));
    return actions;
  }
  /// The blocks that are released now.
  std::vector<std::uint64_t> released() {
    std::vector<std::uint64_t> blocks;
    for (const auto& action : drain())
      if (const auto* free = std::get_if<Released>(&action)) blocks.push_back(free->block.value);
    return blocks;
  }
  Result<> hear_drop(std::uint64_t block, DropReason reason = DropReason::device_suspect) {
    return quarantine.on_message({block}, drop_type, encode(reason));
  }

  Scripted::Script script;
  Quarantine quarantine;
};

using Numbers = std::vector<std::uint64_t>;

TEST_CASE("A block is released when so much light has gone by without a finding, and those before it are",
          "[quarantine]") {
  Kept box{2s};
  box.make(1);
  const auto made = box.drain();
  REQUIRE(made.size() == 1);
  CHECK(std::get<Amplified>(made[0]).quarantined);
  CHECK(box.quarantine.figures().quarantined_blocks == 1);
  CHECK(box.quarantine.figures().quarantined_bits == 4096);
  box.quarantine.watched(1.5, 1500);
  CHECK(box.released().empty());
  box.make(2);  // a second more
  CHECK(box.released() == Numbers{1});
  box.quarantine.watched(1.9, 1900);
  CHECK(box.released().empty());
  box.quarantine.watched(0.1, 100);
  CHECK(box.released() == Numbers{2});
  CHECK(box.quarantine.figures().quarantined_blocks == 0);
}

TEST_CASE("Time in the dark releases nothing: half of the clicks that the block had must come", "[quarantine]") {
  Kept box{2s};
  box.make(1, 1000);
  CHECK(box.released().empty());
  box.quarantine.watched(3600, 999);  // of 2 s at 1000 clicks a second, half is 1000
  CHECK(box.released().empty());
  box.quarantine.watched(0.001, 1);
  CHECK(box.released() == Numbers{1});
}

TEST_CASE("Without a quarantine a block is its owner's at once", "[quarantine]") {
  Kept box{0ms};
  box.make(1);
  const auto actions = box.drain();
  REQUIRE(actions.size() == 1);
  CHECK_FALSE(std::get<Amplified>(actions[0]).quarantined);
  box.quarantine.discard("blinded");
  CHECK(box.drain().empty());
}

TEST_CASE("A finding withdraws what is quarantined, tells the peer, and leaves what was released", "[quarantine]") {
  Kept box{2s};
  box.make(1);
  CHECK(box.released().empty());
  box.quarantine.watched(2, 2000);
  CHECK(box.released() == Numbers{1});
  box.make(2);
  box.make(3);
  CHECK(box.released().empty());
  box.quarantine.discard("detectors are blinded");
  CHECK(box.script.discarded == "detectors are blinded");
  const auto actions = box.drain();
  REQUIRE(actions.size() == 4);
  for (std::size_t i = 0; i < 4; i += 2) {
    const auto& told = std::get<Send>(actions[i]);
    CHECK(told.type == drop_type);
    CHECK(told.block.value == 2 + i / 2);
    CHECK(decode_drop(told.payload) == DropReason::device_suspect);
    const auto& withdrawn = std::get<Withdrawn>(actions[i + 1]);
    CHECK(withdrawn.block == told.block);
    CHECK_FALSE(withdrawn.by_peer);
    CHECK(withdrawn.text.contains("detectors are blinded"));
  }
  CHECK(box.quarantine.figures().blocks_dropped == 2);
  box.quarantine.watched(10, 10'000);
  CHECK(box.released().empty());
  // The peer may have found something, too, and not have heard.
  CHECK(box.hear_drop(2));
  CHECK(box.drain().empty());
  CHECK(box.script.heard.empty());
}

TEST_CASE("What the peer withdraws is withdrawn here, released or not, until it is held", "[quarantine]") {
  Kept box{10s};
  box.make(1);
  box.make(2);
  box.make(3);
  CHECK(box.released().empty());
  box.quarantine.watched(9, 9000);
  CHECK(box.released() == Numbers{1, 2});
  for (const std::uint64_t block : {2U, 3U}) {
    REQUIRE(box.hear_drop(block));
    const auto actions = box.drain();
    REQUIRE(actions.size() == 1);
    const auto& withdrawn = std::get<Withdrawn>(actions[0]);
    CHECK(withdrawn.block.value == block);
    CHECK(withdrawn.by_peer);
  }
  box.quarantine.held({1});
  REQUIRE(box.hear_drop(1));
  CHECK(box.drain().empty());
  CHECK(box.script.heard == std::vector{BlockId{1}});  // what to think of that the chain knows
}

TEST_CASE("An amplified block is dropped for a finding, and for nothing else", "[quarantine]") {
  Kept box{2s};
  box.make(1);
  CHECK(box.released().empty());
  CHECK_FALSE(box.hear_drop(1, DropReason::qber_above_limit));
  CHECK_FALSE(box.quarantine.on_message({1}, drop_type, {}));
}

TEST_CASE("While too much waits the light is watched and not taken", "[quarantine]") {
  Kept box{10ms};  // room for 2^24 bits and a little
  box.make(1, 1000, std::size_t{1} << 24U);
  CHECK(box.released().empty());
  CHECK_FALSE(box.quarantine.wants_frame());
  box.make(2, 1000, std::size_t{1} << 22U);
  CHECK(box.released().size() == 1);
  CHECK(box.quarantine.wants_frame());
  box.quarantine.on_frame({});
  CHECK(box.script.frames == 0);
  box.quarantine.watched(1, 1000);
  CHECK(box.released() == Numbers{2});
  box.quarantine.held({1});
  CHECK_FALSE(box.quarantine.wants_frame());
  box.quarantine.on_frame({});
  CHECK(box.script.frames == 1);
}

TEST_CASE("A session's end forgets what was kept back", "[quarantine]") {
  Kept box{2s};
  box.make(1);
  CHECK(box.released().empty());
  box.quarantine.stop();
  box.quarantine.start({2});
  box.quarantine.watched(10, 10'000);
  CHECK(box.drain().empty());
  CHECK(box.quarantine.figures().quarantined_blocks == 0);
}

}  // namespace
}  // namespace cloister::distill
