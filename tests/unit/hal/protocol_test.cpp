#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "hal/simulator/protocol.hpp"

namespace {

using namespace cloister::hal;
using namespace cloister::hal::simulator;

using Bytes = std::vector<std::byte>;

const Hello hello{
    .role = Role::receiver,
    .settings = {.clock_hz = 1e9, .z_probability = 0.9, .intensities = {0.5, 0.1}, .probabilities = {0.7, 0.3}}};
const std::array clicks{pack(0, Basis::z, 1, false), pack(5, Basis::x, 0, true), pack(99, Basis::z, 0, false)};
const Detections head{.epoch = 4, .first = 1000, .slots = 100, .lost = 12, .packed = {}};

ReceiverReadings receiver_readings() {
  ReceiverReadings readings{.epoch = 4, .first = 1000, .slots = 100, .clicks = 3};
  readings.photocurrent = {
      .amperes = {.value = 1e-7, .deviation = 1e-8}, .dark_amperes = 2e-8, .coulombs_per_click = 1e-13};
  readings.dimmed_gates = {.dimmed_clicks = 1, .other_clicks = 2, .share = 0.01};
  Arrivals arrivals;
  arrivals.clicks[0][3] = 2;
  arrivals.clicks[1][15] = 1;
  arrivals.expected[0][3] = arrivals.expected[1][15] = 1;
  readings.arrivals = arrivals;
  return readings;
}

template <class Number>
Bytes with(Bytes bytes, std::size_t position, Number number) {
  std::memcpy(bytes.data() + position, &number, sizeof number);
  return bytes;
}

Bytes with_extra_byte(Bytes bytes) {
  bytes.push_back({});
  return with(bytes, 0, static_cast<std::uint32_t>(bytes.size() - header_bytes));
}

template <class Wanted>
Wanted parse_as(std::span<const std::byte> bytes) {
  auto parsed = parse_message(bytes);
  REQUIRE(parsed);
  REQUIRE(*parsed);
  CHECK((*parsed)->bytes == bytes.size());
  REQUIRE(std::holds_alternative<Wanted>((*parsed)->message));
  return std::get<Wanted>(std::move((*parsed)->message));
}

}  // namespace

TEST_CASE("every message is read as it was written") {
  const auto read_hello = parse_as<Hello>(encode(hello));
  CHECK(read_hello.role == Role::receiver);
  CHECK(check_agreement(read_hello.settings, hello.settings));
  Light light;
  std::ranges::fill(light.seed.fill(), std::byte{0x5a});
  const auto light_bytes = encode(light);
  const auto read_light = parse_as<Light>(light_bytes);
  CHECK(std::ranges::equal(read_light.seed.expose(), light.seed.expose()));
  CHECK(parse_as<Start>(encode(Start{77})).epoch == 77);
  const auto progress = parse_as<Progress>(encode(Progress{.epoch = 3, .slots = 1ULL << 40}));
  CHECK((progress.epoch == 3 && progress.slots == 1ULL << 40));
  const auto weakened = parse_as<Weakened>(encode(Weakened{.from = 7, .part = 0.25}));
  CHECK((weakened.from == 7 && std::abs(weakened.part - 0.25) < 1e-12));
  CHECK(parse_as<Stopped>(encode(Stopped{"gone"})).reason == "gone");
  CHECK(parse_as<Refused>(encode(Refused{"no\nline µ"})).reason == "no?line ??");
  CHECK(parse_as<Refused>(encode(Refused{std::string(2000, 'a')})).reason.size() == reason_bytes_max);
}

TEST_CASE("readings are read as they were written") {
  const auto near = [](double a, double b) { return std::abs(a - b) < 1e-15; };
  const auto read = parse_as<ReceiverReadings>(encode(receiver_readings()));
  CHECK((read.epoch == 4 && read.first == 1000 && read.slots == 100 && read.clicks == 3));
  CHECK((near(read.photocurrent->amperes.value, 1e-7) && near(read.photocurrent->amperes.deviation, 1e-8)));
  CHECK((near(read.photocurrent->dark_amperes, 2e-8) && near(read.photocurrent->coulombs_per_click, 1e-13)));
  CHECK((read.dimmed_gates->dimmed_clicks == 1 && read.dimmed_gates->other_clicks == 2));
  CHECK(near(read.dimmed_gates->share, 0.01));
  CHECK((read.arrivals->clicks[0][3] == 2 && read.arrivals->clicks[1][15] == 1));
  CHECK(near(read.arrivals->expected[1][15], 1));
  TransmitterReadings sent{.epoch = 4, .first = 1000, .slots = 100};
  sent.output_power = {.value = 1.01, .deviation = 0.002};
  sent.returned_light = {.watts = {.value = 1e-9, .deviation = 1e-10}, .watts_max = 1e-6};
  const auto light = parse_as<TransmitterReadings>(encode(sent));
  CHECK((light.first == 1000 && light.slots == 100));
  CHECK((light.epoch == 4 && near(light.output_power->value, 1.01) && near(light.output_power->deviation, 0.002)));
  CHECK((near(light.returned_light->watts.value, 1e-9) && near(light.returned_light->watts_max, 1e-6)));
}

TEST_CASE("detections are read as they were packed") {
  const auto bytes = encode(head, clicks);
  const auto frame = unpack(parse_as<Detections>(bytes));
  REQUIRE(frame);
  CHECK((frame->epoch == 4 && frame->first == 1000 && frame->slots == 100));
  REQUIRE(frame->detections.size() == 3);
  CHECK((frame->detections[0].slot == 1000 && frame->detections[0].basis == Basis::z && frame->detections[0].bit == 1));
  CHECK((frame->detections[1].slot == 1005 && frame->detections[1].basis == Basis::x &&
         frame->detections[1].double_click));
  CHECK((frame->detections[2].slot == 1099 && frame->detections[2].bit == 0 && !frame->detections[2].double_click));
}

TEST_CASE("a message that is not whole is waited for") {
  const auto whole = encode(head, clicks);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto parsed = parse_message(std::span{whole}.first(length));
    REQUIRE(parsed);
    CHECK_FALSE(*parsed);
  }
}

TEST_CASE("bytes that are no message are refused") {
  struct Case {
    const char* why;
    Bytes bytes;
  };
  const auto frame = encode(head, clicks);
  for (const auto& [why, bytes] : std::to_array<Case>({
           {"type 0", with(encode(Start{1}), 4, 0U)},
           {"a type past the last", with(encode(Start{1}), 4, 13U)},
           {"a body too long for any message", with(frame, 0, static_cast<std::uint32_t>(body_bytes_max + 1))},
           {"a start that is too long", with_extra_byte(encode(Start{1}))},
           {"a hello that is too long", with_extra_byte(encode(hello))},
           {"another version", with(encode(hello), 8, protocol_version + 1)},
           {"a role that is none", with(encode(hello), 12, 2U)},
           {"a clock of zero", with(encode(hello), 16, 0.0)},
           {"a clock that is no number", with(encode(hello), 16, std::nan(""))},
           {"a basis bias of one", with(encode(hello), 24, 1.0)},
           {"a decoy as bright as the signal", with(encode(hello), 40, 0.5)},
           {"probabilities that do not add up", with(encode(hello), 56, 0.6)},
           {"a frame without slots", with(frame, 20, std::uint64_t{0})},
           {"a frame of too many slots", with(frame, 20, frame_slots_max + 1)},
           {"a frame past the last slot", with(frame, 12, UINT64_MAX - 50)},
           {"more detections than bytes", with(frame, 36, std::uint64_t{4})},
           {"more detections than slots", with(frame, 20, std::uint64_t{2})},
           {"half a detection", with_extra_byte(frame)},
           {"readings of no slots", with(encode(receiver_readings()), 20, std::uint64_t{0})},
           {"readings of more arrivals than slots", with(encode(receiver_readings()), 92, 101U)},
           {"readings of more clicks than slots", with(encode(receiver_readings()), 28, std::uint64_t{101})},
           {"a part that is none", with(encode(Weakened{.from = 0, .part = 0.5}), 16, 1.5)},
           {"text with a control character", with(encode(Stopped{"gone"}), 9, '\n')},
       })) {
    INFO(why);
    CHECK_FALSE(parse_message(bytes));
  }
}

TEST_CASE("detections that do not ascend inside their frame are refused") {
  const auto frame_of = [](std::vector<std::uint32_t> packed) {
    return unpack({.epoch = 1, .first = 0, .slots = 100, .lost = 0, .packed = std::as_bytes(std::span{packed})});
  };
  const auto at = [](std::uint64_t offset) { return pack(offset, Basis::z, 0, false); };
  CHECK(frame_of({at(0), at(1), at(99)}));
  CHECK_FALSE(frame_of({at(3), at(3)}));
  CHECK_FALSE(frame_of({at(3), at(2)}));
  CHECK_FALSE(frame_of({at(100)}));
}

TEST_CASE("two ends that differ in one setting are told which") {
  auto other = hello.settings;
  other.intensities[1] = 0.2;
  const auto agreement = check_agreement(hello.settings, other);
  REQUIRE_FALSE(agreement);
  CHECK(agreement.error().message ==
        "the ends of the fibre disagree about the decoy intensity: transmitter 0.1, receiver 0.2; "
        "make the two configurations equal");
}
