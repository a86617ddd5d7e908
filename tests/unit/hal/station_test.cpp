// The meeting place of the two ends under a clock of the test's own.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "hal/fibre/station.hpp"

namespace {

using namespace cloister::hal;
using namespace cloister::hal::simulator;
using namespace std::chrono_literals;
using fibre::Instant;
using fibre::Station;

constexpr SourceSettings settings{
    .clock_hz = 1e7, .z_probability = 0.9, .intensities = {0.5, 0.1}, .probabilities = {0.7, 0.3}};

/// One end's socket, and the station's side of it admitted.
Connection admit(Station& station, Instant now) {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) == 0);
  station.admit(FileDescriptor{pair[1]}, now);
  return Connection{FileDescriptor{pair[0]}, header_bytes + body_bytes_max};
}

void serve(Station& station, Instant now) {
  for (const auto& wait : station.descriptors()) station.on_ready(wait.fd, now);
}

struct Pair {
  Connection transmitter;
  Connection receiver;
};

Pair connect_both(Station& station, Instant now) {
  Pair pair{.transmitter = admit(station, now), .receiver = admit(station, now)};
  pair.transmitter.send(encode(Hello{.role = Role::transmitter, .settings = settings}));
  pair.transmitter.send(encode(Light{}));
  pair.receiver.send(encode(Hello{.role = Role::receiver, .settings = settings}));
  serve(station, now);
  return pair;
}

bool is_reading(const Message& message) {
  return std::holds_alternative<ReceiverReadings>(message) || std::holds_alternative<TransmitterReadings>(message);
}

/// The next message of a type, which must be there; meters are passed over where they are not asked for.
template <class Wanted>
Wanted expect(Connection& connection) {
  constexpr bool wants_readings =
      std::is_same_v<Wanted, ReceiverReadings> || std::is_same_v<Wanted, TransmitterReadings>;
  cloister::Result<std::optional<Message>> message;
  do {
    message = connection.next();
    REQUIRE(message);
    if (!*message) {
      connection.read();
      message = connection.next();
      REQUIRE(message);
    }
    REQUIRE(*message);
  } while (!wants_readings && is_reading(**message));
  REQUIRE(std::holds_alternative<Wanted>(**message));
  return std::get<Wanted>(std::move(**message));
}

}  // namespace

TEST_CASE("a frame is made each 10 ms, and the transmitter hears of its slots ten frames early") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  auto [transmitter, receiver] = connect_both(station, begin);
  CHECK(expect<Start>(transmitter).epoch == 5);
  CHECK(expect<Start>(receiver).epoch == 5);
  station.tick(begin + 9999us);
  CHECK(station.status().slots == 0);
  CHECK(station.next_tick(begin) == begin + 10ms);
  station.tick(begin + 10ms);
  CHECK(station.status().slots == 100'000);
  CHECK(expect<Progress>(transmitter).slots == 1'100'000);
  const auto frame = expect<Detections>(receiver);
  CHECK((frame.epoch == 5 && frame.first == 0 && frame.slots == 100'000));
  station.tick(begin + 39ms);
  CHECK(station.status().slots == 300'000);
  CHECK(station.status().slipped_seconds == 0);
}

TEST_CASE("each end hears what its meters show before the slots they show it of, until they are silent") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  auto [transmitter, receiver] = connect_both(station, begin);
  expect<Start>(transmitter);
  expect<Start>(receiver);
  station.tick(begin + 10ms);
  CHECK(std::abs(expect<TransmitterReadings>(transmitter).output_power->value - 1) < 0.02);
  expect<Progress>(transmitter);
  const auto readings = expect<ReceiverReadings>(receiver);
  const auto frame = expect<Detections>(receiver);
  CHECK((readings.epoch == 5 && readings.first == frame.first && readings.slots == frame.slots));
  CHECK(readings.clicks == frame.packed.size() / 4);
  fibre::Disturbance silent;
  silent.silence = true;
  station.disturb(silent);
  station.tick(begin + 20ms);
  REQUIRE(transmitter.next());
  transmitter.read();
  const auto next = transmitter.next();
  REQUIRE(next);
  REQUIRE(*next);
  CHECK(std::holds_alternative<Progress>(**next));
}

TEST_CASE("a transmitter whose randomness fails is told from where on: nothing that it has been told of as sent") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  auto [transmitter, receiver] = connect_both(station, begin);
  expect<Start>(transmitter);
  station.tick(begin + 10ms);
  const auto sent = expect<Progress>(transmitter).slots;
  fibre::Disturbance weak;
  weak.weak_randomness = 0.5;
  station.disturb(weak);
  const auto weakened = expect<Weakened>(transmitter);
  CHECK(weakened.from >= sent);
  CHECK(std::abs(weakened.part - 0.5) < 1e-12);
  receiver.send(encode(Resume{}));
  receiver.send(encode(Hello{.role = Role::receiver, .settings = settings}));
  serve(station, begin + 20ms);
  expect<Stopped>(transmitter);
  expect<Start>(transmitter);
  CHECK(expect<Weakened>(transmitter).from == 0);
}

TEST_CASE("a station that was stopped for long makes ten frames and lets the rest of the time slip") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  const auto ends = connect_both(station, begin);
  station.tick(begin + 1s);
  CHECK(station.status().slots == 1'000'000);
  CHECK(station.status().slipped_seconds > 0.88);
  CHECK(station.status().slipped_seconds < 0.9);
  station.tick(begin + 1s + 10ms);
  CHECK(station.status().slots == 1'200'000);  // the frame that was due at the slip, and the next
}

TEST_CASE("an end that does not say hello within five seconds is refused") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  auto silent = admit(station, begin);
  station.tick(begin + 4999ms);
  CHECK(station.descriptors().size() == 1);
  station.tick(begin + 5s);
  CHECK(expect<Refused>(silent).reason == "no hello within 5 seconds");
  CHECK(station.descriptors().empty());
}

TEST_CASE("a transmitter without light is no transmitter, and is refused after five seconds") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  auto dark = admit(station, begin);
  dark.send(encode(Hello{.role = Role::transmitter, .settings = settings}));
  serve(station, begin);
  CHECK_FALSE(station.status().transmitter);
  station.tick(begin + 5s);
  CHECK(station.descriptors().empty());
}

TEST_CASE("an end that resumes is as if it had just connected, and what was queued for it is gone") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  auto [transmitter, receiver] = connect_both(station, begin);
  CHECK(expect<Start>(receiver).epoch == 5);
  station.tick(begin + 10ms);
  const Nonce nonce{std::byte{1}, std::byte{2}};
  receiver.send(encode(Resume{nonce}));
  receiver.send(encode(Hello{.role = Role::receiver, .settings = settings}));
  serve(station, begin + 20ms);
  receiver.read();
  CHECK_FALSE(receiver.drop_until(encode(Resumed{})));
  receiver.send(encode(Resume{nonce}));
  receiver.send(encode(Hello{.role = Role::receiver, .settings = settings}));
  serve(station, begin + 30ms);
  receiver.read();
  REQUIRE(receiver.drop_until(encode(Resumed{nonce})));
  CHECK(expect<Resumed>(receiver).nonce == nonce);
  CHECK(expect<Start>(receiver).epoch == 7);
  CHECK(expect<Start>(transmitter).epoch == 5);
  CHECK(expect<Progress>(transmitter).epoch == 5);
  expect<Stopped>(transmitter);
  CHECK(expect<Start>(transmitter).epoch == 6);
}

TEST_CASE("more than eight ends are not let in") {
  const Instant begin{1h};
  Station station{{}, 1, 5};
  std::vector<Connection> ends;
  for (int i = 0; i < 12; ++i) ends.push_back(admit(station, begin));
  CHECK(station.descriptors().size() == 8);
}
