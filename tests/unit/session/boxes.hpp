#pragma once
/// Two boxes whose processes can be started again, on what the old ones left.

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <optional>
#include <utility>

#include "tests/unit/session/session_pair.hpp"

namespace cloister::session::test {

inline Settings with_sealed(std::string local, std::string peer, BootstrapAgain again = {},
                            Policy policy = Policy::its_preferred, std::uint64_t reserve_bits = 2048) {
  auto settings = settings_of(std::move(local), std::move(peer));
  settings.sealed = {.chunks = 3, .pads = 4};
  settings.bootstrap_again = again;
  settings.policy = policy;
  settings.reserve_bits = reserve_bits;
  return settings;
}

inline KeptReserve copy_of(const KeptReserve& kept) {
  KeptReserve copy{.record = {}, .own = kept.own, .granted = kept.granted, .problem = kept.problem};
  if (kept.record) copy.record.emplace(kept.record->begin(), kept.record->end());
  return copy;
}

/// Two boxes with vaults, and processes that can be started again.
struct Boxes {
  std::array<BootstrapAgain, 2> policies;
  Policy policy;
  std::uint64_t reserve_bits;
  Pair pair{1, with_sealed("alice", "bob", policies[0], policy, reserve_bits),
            with_sealed("bob", "alice", policies[1], policy, reserve_bits)};
  std::uint64_t lives = 10;

  explicit Boxes(std::array<BootstrapAgain, 2> again = {}, Policy how = Policy::its_preferred,
                 std::uint64_t reserve = 2048)
      : policies{again}, policy{how}, reserve_bits{reserve} {
    for (std::size_t i = 0; i < 2; ++i) {
      pair.ends[i]->vault = {.record = {}, .own = 3 + 40 * i, .granted = 7 + 5 * i, .problem = {}};
      pair.ends[i]->engine.restore(pair.ends[i]->vault);
      pair.drain(i);
    }
  }
  /// A new process on what the old one left, or on `kept`.
  void restart(std::size_t i, std::optional<KeptReserve> kept = std::nullopt) {
    auto vault = kept ? std::move(*kept) : copy_of(pair.ends[i]->vault);
    const auto names = i == 0 ? std::pair{"alice", "bob"} : std::pair{"bob", "alice"};
    pair.ends[i] = std::make_unique<End>(with_sealed(names.first, names.second, policies[i], policy, reserve_bits), 7,
                                         ++lives, pair.now);
    pair.ends[i]->vault = std::move(vault);
    pair.ends[i]->engine.restore(pair.ends[i]->vault);
    pair.drain(i);
  }
  void reconnect() {
    pair.disconnect();
    for (auto& end : pair.ends) end->events.clear();
    pair.connect();
    pair.settle();
  }
  [[nodiscard]] bool both_saw(const std::string& event) { return pair.alice().saw(event) && pair.bob().saw(event); }
  /// First keys, the switch-over, and a generation of the sealed reserve on both disks.
  void fill() {
    pair.connect();
    pair.settle();
    const auto block = pair.alice().first_block;
    pair.make_block(block);
    pair.add_reserve(block, 2432);
    pair.make_block(block + 1);
    pair.add_reserve(block + 1, 8192);
    REQUIRE(pair.alice().engine.status().sealed_chunks == 3);
    REQUIRE(pair.bob().engine.status().sealed_chunks == 3);
  }
};

}  // namespace cloister::session::test
