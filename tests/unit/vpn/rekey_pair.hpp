#pragma once
/// Two rekey engines with their key stores under a virtual clock, and what is on its way between them.

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <ranges>
#include <set>

#include "appliance/keys/store.hpp"
#include "appliance/vpn/rekey.hpp"
#include "appliance/vpn/rekey_messages.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::vpn::rekey_pair {
using namespace std::chrono_literals;

using KeyBytes = std::array<std::byte, SaKey::size>;

inline KeyBytes bytes_of(const SaKey& key) {
  KeyBytes bytes{};
  std::ranges::copy(key.expose(), bytes.begin());
  return bytes;
}

inline RekeySettings settings(bool initiator, bool hybrid) {
  return {.tunnel = "office",
          .local_box = initiator ? "alice" : "bob",
          .peer_box = initiator ? "bob" : "alice",
          .initiator = initiator,
          .hybrid = hybrid,
          .rekey_interval = 1s,
          .key_lifetime = 3s};
}

inline constexpr wire::TunnelId office{1};
inline constexpr Instant beginning{std::chrono::hours{1}};

/// Both ends, their SAs by SPI, and their stores, which new blocks fill while there is a session and light.
struct Pair {
  struct Conditions {
    bool hybrid = false;
    std::uint32_t ceiling_keys = 4;
    std::chrono::milliseconds rekey_interval{1s};
    WhenKeysRunOut when_keys_run_out = WhenKeysRunOut::block;
    std::chrono::milliseconds extend_for{0};
    Volume rekey_after{};
  };
  struct End {
    End(std::uint64_t seed, bool first, const Conditions& conditions)
        : random{std::make_unique<cloister::test::SeededRandom>(seed)},
          settings{rekey_pair::settings(first, conditions.hybrid)},
          ceiling_keys{conditions.ceiling_keys},
          engine{std::make_unique<RekeyEngine>(adjusted(settings, conditions), *random, beginning)},
          store{{{office, "office", ceiling_keys}}} {}
    static const RekeySettings& adjusted(RekeySettings& settings, const Conditions& conditions) {
      settings.rekey_interval = conditions.rekey_interval;
      settings.key_lifetime = 3 * conditions.rekey_interval;
      settings.when_keys_run_out = conditions.when_keys_run_out;
      settings.extend_for = conditions.extend_for;
      settings.rekey_after = conditions.rekey_after;
      return settings;
    }
    /// The service starts anew: it has lost all its memory.
    void restart(Instant at) {
      engine = std::make_unique<RekeyEngine>(settings, *random, at);
      store = keys::Store{{{office, "office", ceiling_keys}}};
      inbound.clear();
      outbound.reset();
      wake.reset();
    }
    std::unique_ptr<cloister::test::SeededRandom> random;
    RekeySettings settings;
    std::uint32_t ceiling_keys;
    std::unique_ptr<RekeyEngine> engine;
    keys::Store store;
    std::map<std::uint32_t, KeyBytes> inbound;
    std::optional<std::pair<std::uint32_t, KeyBytes>> outbound;
    std::optional<Instant> wake;
    int blocked = 0;
    int late = 0;
    int late_over = 0;
    std::uint64_t packets_max = 0;
    std::vector<KeySource> stopgaps;
    std::vector<bool> stopgap_ends;  // whether by a key
  };
  struct Message {
    Instant at;
    std::size_t to;
    std::uint8_t type;
    std::vector<std::byte> payload;
  };

  using Duration = std::chrono::steady_clock::duration;

  Instant now = beginning;
  bool up = false;
  bool light = true;
  std::uint64_t blocks = 0;
  Instant next_block = beginning;
  std::deque<Message> flight;
  std::mt19937_64 chance;
  std::array<End, 2> ends;
  Duration delay_most = 5ms;
  std::set<wire::KeyName> used;

  Pair(std::uint64_t seed, const Conditions& conditions)
      : chance{seed}, ends{End{4 * seed, true, conditions}, End{4 * seed + 1, false, conditions}} {}

  void drain(std::size_t i) {
    End& end = ends[i];
    while (auto action = end.engine->next_action()) {
      if (auto* send = std::get_if<SendMessage>(&*action)) {
        const auto delay =
            Duration{static_cast<Duration::rep>(chance() % static_cast<std::uint64_t>(delay_most.count()))};
        Instant at = now + delay;
        for (const auto& message : flight) {
          if (message.to == 1 - i) at = std::max(at, message.at);  // the channel keeps order
        }
        flight.push_back({at, 1 - i, send->type, send->payload});
      } else if (auto* need = std::get_if<NeedKey>(&*action)) {
        if (!need->name) {
          if (auto next = end.store.take_next(office)) {
            REQUIRE(used.insert(next->name).second);
            end.engine->on_key(next->name, next->by, std::move(next->key), now);
          } else {
            end.engine->on_no_key(now);
          }
        } else if (auto key = end.store.take(office, *need->name)) {
          end.engine->on_key(key->name, key->by, std::move(key->key), now);
        } else {
          end.engine->on_no_key(now);
        }
      } else if (auto* burn = std::get_if<BurnKeysBefore>(&*action)) {
        end.store.burn_before(office, burn->first);
      } else if (auto* in = std::get_if<InstallInbound>(&*action)) {
        end.inbound[in->spi.value] = bytes_of(in->key);
      } else if (auto* out = std::get_if<InstallOutbound>(&*action)) {
        end.outbound.emplace(out->spi.value, bytes_of(out->key));
        end.packets_max = out->packets_max;
      } else if (auto* retire = std::get_if<RetireInbound>(&*action)) {
        end.inbound.erase(retire->spi.value);
      } else if (std::holds_alternative<RetireOutbound>(*action)) {
        end.outbound.reset();
      } else if (auto* at = std::get_if<WakeAt>(&*action)) {
        end.wake = at->at;
      } else if (std::holds_alternative<TunnelBlocked>(*action)) {
        ++end.blocked;
      } else if (std::holds_alternative<RekeyLate>(*action)) {
        ++end.late;
      } else if (auto* over = std::get_if<RekeyLateOver>(&*action)) {
        if (over->by_key) ++end.late_over;
      } else if (auto* begun = std::get_if<StopgapBegun>(&*action)) {
        end.stopgaps.push_back(begun->source);
      } else if (auto* ended = std::get_if<StopgapEnded>(&*action)) {
        end.stopgap_ends.push_back(ended->by_key);
      }
    }
  }

  /// What is sent now can be opened by the other end, under an equal key.
  [[nodiscard]] bool fits(std::size_t from) const {
    const auto& out = ends[from].outbound;
    if (!out) return false;
    const auto& inbound = ends[1 - from].inbound;
    const auto found = inbound.find(out->first);
    return found != inbound.end() && found->second == out->second;
  }

  /// A block of two keys, held by both.
  void add_block() {
    std::mt19937_64 generator{++blocks};
    crypto::SecretBits bits{2 * keys::key_bits};
    for (std::size_t i = 0; i < bits.size_bits(); ++i) bits.set(i, (generator() & 1U) != 0);
    const std::array needs{ends[0].store.needs(0, 0), ends[1].store.needs(0, 0)};
    for (std::size_t i = 0; i < 2; ++i)
      REQUIRE(ends[i].store.add({blocks}, wire::Authenticator::qkd, bits.slice(0, bits.size_bits()), needs[i],
                                needs[1 - i]));
  }

  /// As the link does it: a service that lost its memory leaves no block that both have.
  void restart(std::size_t i) {
    session(false);
    ends[i].restart(now);
    for (auto& end : ends) end.store.burn_all();
    session(true);
  }

  void session(bool goes_up) {
    up = goes_up;
    if (!up) flight.clear();
    for (std::size_t i = 0; i < 2; ++i) {
      if (up)
        ends[i].engine->on_session_up(now);
      else
        ends[i].engine->on_session_down(now);
      drain(i);
    }
  }

  void run(Duration span, auto check) {
    for (const Instant end = now + span; now < end; now += 1ms) {
      if (up && light && now >= next_block) {
        add_block();
        next_block = now + 300ms;
      }
      for (bool moved = true; moved;) {
        moved = false;
        const auto due = std::ranges::find_if(flight, [&](const Message& message) { return message.at <= now; });
        if (due == flight.end()) break;
        const Message message = *due;
        flight.erase(due);
        REQUIRE(ends[message.to].engine->on_message(message.type, message.payload, now));
        drain(message.to);
        moved = true;
      }
      for (std::size_t i = 0; i < 2; ++i) {
        if (!ends[i].wake || *ends[i].wake > now) continue;
        ends[i].wake.reset();
        ends[i].engine->on_timer(now);
        drain(i);
      }
      check();
    }
  }
};

}  // namespace cloister::vpn::rekey_pair
