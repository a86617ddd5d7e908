#pragma once
/// Two session engines joined by a byte stream that the test holds in its hands; time moves when the test says so.

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "appliance/session/session.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::session::test {

using Bytes = std::vector<std::byte>;

inline crypto::Psk psk_of(int value) {
  crypto::Psk psk;
  std::ranges::fill(psk.fill(), static_cast<std::byte>(value));
  return psk;
}

inline Settings settings_of(std::string local, std::string peer) {
  return {.link = "line",
          .local_box = std::move(local),
          .peer_box = std::move(peer),
          .agreement = "block_bits=1000\nhybrid=true\n",
          .reserve_bits = 2048};
}

inline Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char character) { return static_cast<std::byte>(character); });
  return bytes;
}

/// One engine and what it said.
struct End {
  End(Settings settings, crypto::Credentials credentials, std::uint64_t seed, Instant now)
      : random{std::make_unique<cloister::test::SeededRandom>(seed)},
        engine{std::move(settings), std::move(credentials), *random, now} {}
  End(Settings settings, int psk, std::uint64_t seed, Instant now)
      : End{std::move(settings), crypto::Credentials::by_psk(psk_of(psk)), seed, now} {}

  std::unique_ptr<cloister::test::SeededRandom> random;
  Session engine;
  Bytes outgoing;
  bool wants_connection = false;
  Instant connects_at{};
  bool hung_up = false;
  std::vector<std::string> alarms;
  std::string alarm_text;
  std::vector<std::string>
      events;  // "established bootstrap", "held 1 qkd", "burnt 2", "lost", "switched", "by computational"
  std::map<std::uint64_t, std::pair<Bytes, Bytes>> held;  // notes by block
  std::vector<BlockId> kept;
  std::uint64_t first_block = 0;
  std::vector<std::pair<std::uint64_t, Bytes>> delivered;

  // What outlives the engine; nothing of it is used before `restore` was called.
  KeptReserve vault{};
  std::deque<std::uint64_t> vault_done;
  bool fails = false;
  std::deque<AdvanceHandshake> steps;
  bool slow_tpm = false;  // it moves no counter, and what is behind that waits, until it no longer is
  bool slow = false;      // answers when it no longer is, and so do handshakes

  [[nodiscard]] bool saw(const std::string& event) const { return std::ranges::find(events, event) != events.end(); }
  [[nodiscard]] bool established() const { return engine.status().state == "established"; }
};

inline std::string name_of(Authenticator by) { return by == Authenticator::none ? "none" : to_string(by); }

struct Pair {
  explicit Pair(std::uint64_t seed = 1, Settings alice = settings_of("alice", "bob"),
                Settings bob = settings_of("bob", "alice"), int psk_alice = 7, int psk_bob = 7)
      : ends{std::make_unique<End>(std::move(alice), psk_alice, 2 * seed, now),
             std::make_unique<End>(std::move(bob), psk_bob, 2 * seed + 1, now)} {
    drain(0);
    drain(1);
  }

  Instant now{std::chrono::hours{1}};
  std::array<std::unique_ptr<End>, 2> ends;  // the client first
  End& alice() { return *ends[0]; }
  End& bob() { return *ends[1]; }

  void drain(std::size_t i) {
    End& end = *ends[i];
    for (;;) {
      drain_actions(end);
      if (!end.steps.empty() && !end.slow) {
        auto step = std::move(end.steps.front());
        end.steps.pop_front();
        const auto answer = step.handshake.advance(step.received);
        end.engine.on_handshake(std::move(step), answer, now);
        continue;
      }
      const bool moves = !end.vault_done.empty() && end.vault_done.front() != 0;
      if (end.vault_done.empty() || end.slow || (end.slow_tpm && moves)) return;
      const auto value = end.vault_done.front();
      end.vault_done.pop_front();
      end.engine.on_vault_done(end.fails ? Result<std::uint64_t>{fail("the TPM is gone")} : value, now);
    }
  }

  void drain_actions(End& end) {
    while (auto action = end.engine.next_action()) {
      if (const auto* connect = std::get_if<Connect>(&*action)) {
        end.wants_connection = true;
        end.connects_at = connect->not_before;
      } else if (auto* transmit = std::get_if<Transmit>(&*action))
        end.outgoing.insert(end.outgoing.end(), transmit->bytes.begin(), transmit->bytes.end());
      else if (auto* store = std::get_if<StoreRecord>(&*action)) {
        end.vault.record = std::move(store->record);
        end.vault_done.push_back(0);
      } else if (auto* move = std::get_if<MoveCounter>(&*action)) {
        auto& counter = move->counter == Counter::own ? end.vault.own : end.vault.granted;
        end.vault_done.push_back(counter = std::max(counter, move->to));
      } else if (std::holds_alternative<Disconnect>(*action))
        end.hung_up = true;
      else if (auto* established = std::get_if<Established>(&*action)) {
        end.events.push_back("established " + name_of(established->by) + (established->restarted ? " sealed" : ""));
        end.kept = established->kept;
        end.first_block = established->first_block.value;
      } else if (auto* held = std::get_if<BlockHeld>(&*action)) {
        end.events.push_back("held " + std::to_string(held->block.value) + " " + name_of(held->by));
        end.held[held->block.value] = {held->own_note, held->peer_note};
      } else if (auto* burnt = std::get_if<BlockBurnt>(&*action))
        end.events.push_back("burnt " + std::to_string(burnt->block.value));
      else if (auto* message = std::get_if<DeliverBlockMessage>(&*action))
        end.delivered.emplace_back(message->block.value, message->payload);
      else if (auto* step = std::get_if<AdvanceHandshake>(&*action))
        end.steps.push_back(std::move(*step));
      else if (const auto* changed = std::get_if<AuthenticatorChanged>(&*action))
        end.events.push_back(changed->from == Authenticator::bootstrap ? "switched" : "by " + name_of(changed->by));
      else if (std::holds_alternative<Lost>(*action))
        end.events.push_back("lost");
      else if (auto* alarm = std::get_if<Alarm>(&*action)) {
        end.alarms.push_back(alarm->code);
        end.alarm_text = alarm->text;
      }
    }
  }

  void connect() {
    for (std::size_t i = 0; i < 2; ++i) {
      ends[i]->outgoing.clear();
      ends[i]->hung_up = false;
      ends[i]->engine.on_connected(now);
      drain(i);
    }
  }

  /// What one end has said reaches the other; true when there was something.
  bool pass(std::size_t from) {
    Bytes bytes;
    std::swap(bytes, ends[from]->outgoing);
    if (bytes.empty() || ends[1 - from]->hung_up) return false;
    ends[1 - from]->engine.on_received(bytes, now);
    drain(1 - from);
    return true;
  }

  /// Both ways, until nobody has anything to say; a hung-up end ends the connection of both.
  void settle() {
    for (int i = 0; i < 1000; ++i) {
      const bool one = pass(0);
      const bool other = pass(1);
      if (!one && !other) break;
    }
    if (ends[0]->hung_up || ends[1]->hung_up) disconnect();
  }

  void disconnect() {
    for (std::size_t i = 0; i < 2; ++i) {
      ends[i]->engine.on_disconnected("closed", now);
      drain(i);
      ends[i]->outgoing.clear();
    }
  }

  /// A block of a few messages, from its first frame to the exchange of tags; not yet passed on.
  void begin_block(std::uint64_t block) {
    for (int i = 0; i < 3; ++i) {
      for (std::size_t end = 0; end < 2; ++end) {
        ends[end]->engine.send_block_message({block}, 1, bytes_of("message " + std::to_string(i)), now);
        drain(end);
        pass(end);
      }
    }
  }
  void close_block(std::uint64_t block, std::size_t end) {
    ends[end]->engine.close_block({block}, bytes_of("note of " + std::to_string(end)), now);
    drain(end);
  }
  void make_block(std::uint64_t block) {
    begin_block(block);
    close_block(block, 0);
    close_block(block, 1);
    settle();
  }
  /// Both boxes' share of the block for the reserve: equal bits.
  void add_reserve(std::uint64_t block, std::size_t bits, std::array<std::uint32_t, 2> lacking = {}) {
    for (std::size_t end = 0; end < 2; ++end) {
      std::mt19937_64 generator{block};
      crypto::SecretBits share{bits};
      for (std::size_t i = 0; i < bits; ++i) share.set(i, (generator() & 1U) != 0);
      ends[end]->engine.add_reserve({block}, std::move(share), {.own = lacking[end], .peers = lacking[1 - end]}, now);
      drain(end);
    }
    settle();
  }
  [[nodiscard]] std::array<ReserveNeed, 2> reserve_needs() const {
    return {ends[0]->engine.reserve_need(), ends[1]->engine.reserve_need()};
  }
  /// All that they said they would lack, as a store divides a block.
  void fill_reserve(std::uint64_t block, const std::array<ReserveNeed, 2>& needs) {
    const auto pads = (std::uint64_t{needs[0].pads} + needs[1].pads + 1) / 2 * 256;
    add_reserve(block, std::min(needs[0].bits, needs[1].bits) + pads, {needs[0].pads, needs[1].pads});
  }
  void wait(std::chrono::milliseconds span) {
    now += span;
    for (std::size_t end = 0; end < 2; ++end) {
      ends[end]->engine.on_timer(now);
      drain(end);
    }
  }
};

}  // namespace cloister::session::test
