// The watches over a transmitter: its meters, and the randomness of what it sends, on readings and symbols made for them.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <optional>
#include <random>

#include "hal/watch/device_watch.hpp"

namespace {

using namespace cloister::hal;
using watch::Finding;
using watch::RandomnessWatch;
using watch::TransmitterMeters;

const Capabilities transmitter{
    .clock_hz = 1e9,
    .protocol = "bb84-decoy-1",
    .intensities = {0.5, 0.15},
    .intensity_probabilities = {0.6, 0.4},
    .z_probability = 0.9,
    .meters = {
        .photocurrent = false, .arrivals = false, .dimmed_gates = false, .output_power = true, .returned_light = true}};

constexpr std::uint64_t frame_slots = 10'000'000;

TransmitterReadings readings(double output, double watts) {
  TransmitterReadings all{.epoch = 1};
  all.output_power = {.value = output, .deviation = 0.002};
  all.returned_light = {.watts = {.value = watts, .deviation = 1e-9}, .watts_max = 1e-6};
  return all;
}

constexpr auto sample = RandomnessWatch::sample_slots;
using Sample = std::array<Symbol, sample>;

/// With this chance of a one, in Z and of the signal's intensity as often as set.
Sample draw(std::mt19937_64& dice, double one) {
  std::bernoulli_distribution bit{one};
  std::bernoulli_distribution x{0.1};
  std::bernoulli_distribution decoy{0.4};
  Sample symbols{};
  for (auto& symbol : symbols)
    symbol = {x(dice) ? Basis::x : Basis::z, static_cast<std::uint8_t>(bit(dice)),
              static_cast<std::uint8_t>(decoy(dice))};
  return symbols;
}

bool is_wrong(const std::optional<Finding>& found, const char* word) {
  return found && !found->clean && found->text.contains(word);
}

}  // namespace

TEST_CASE("output within 4 % and little returned light are no alarm; more is one, with the first reading", "[watch]") {
  struct Case {
    double output;
    double watts;
    const char* word;
  };
  for (const auto& [output, watts, word] :
       {Case{1.05, 0, ""}, Case{0.95, 9e-7, ""}, Case{1.06, 0, "output"}, Case{0.9, 0, "output"},
        Case{1, 1.1e-6, "come out of the fibre"}, Case{std::numeric_limits<double>::quiet_NaN(), 0, "output"},
        Case{1, std::numeric_limits<double>::quiet_NaN(), "come out"}}) {
    INFO("output " << output << ", returned " << watts << " W");
    TransmitterMeters watch{transmitter};
    const auto found = watch.on_light(frame_slots, readings(output, watts));
    CHECK(found.has_value() == (*word != 0));
    if (*word != 0) CHECK(is_wrong(found, word));
  }
}

TEST_CASE("a meter whose noise is beyond any meter's is no meter", "[watch]") {
  TransmitterMeters watch{transmitter};
  auto noisy = readings(1, 0);
  noisy.output_power->deviation = std::numeric_limits<double>::infinity();
  CHECK(is_wrong(watch.on_light(frame_slots, noisy), "output"));
  noisy = readings(1, 0);
  noisy.returned_light->watts.deviation = 1;
  CHECK(is_wrong(watch.on_light(frame_slots, noisy), "come out"));
}

TEST_CASE("slots that were sent while a meter was silent, or something was suspect, are never vouched for", "[watch]") {
  watch::TransmitterWatch watch{transmitter};
  const auto vouches = [&](Slot slot) { return watch.vouches(1, {&slot, 1}); };
  Slot sent = 0;
  const auto send = [&](std::optional<TransmitterReadings> shown) {
    if (shown) {
      shown->first = sent;
      shown->slots = frame_slots;
    }
    sent += frame_slots;
    static_cast<void>(watch.on_light(1, sent, shown));
  };
  send(readings(1, 0));
  send(std::nullopt);
  send(readings(1, 0));
  send(readings(1.2, 0));
  for (int i = 0; i < 110; ++i) send(readings(1, 0));
  CHECK(vouches(0));
  CHECK(vouches(frame_slots - 1));
  CHECK_FALSE(vouches(frame_slots));
  CHECK_FALSE(vouches(2 * frame_slots - 1));
  CHECK(vouches(2 * frame_slots));
  CHECK_FALSE(vouches(3 * frame_slots));   // somebody was there
  CHECK_FALSE(vouches(50 * frame_slots));  // and it was not a second ago
  CHECK(vouches(sent - 1));
  CHECK_FALSE(vouches(sent));
  const std::array<Slot, 2> both{0, frame_slots};
  CHECK_FALSE(watch.vouches(1, both));
  CHECK_FALSE(watch.vouches(2, {both.data(), 1}));
}

TEST_CASE("a transmitter's meter that is silent is an alarm after a tenth of a second", "[watch]") {
  for (const bool output : {true, false}) {
    TransmitterMeters watch{transmitter};
    auto all = readings(1, 0);
    if (output)
      all.output_power.reset();
    else
      all.returned_light.reset();
    for (int i = 0; i < 10; ++i) CHECK_FALSE(watch.on_light(frame_slots, all));
    CHECK(is_wrong(watch.on_light(frame_slots, all), "says nothing"));
    for (int i = 0; i < 99; ++i) CHECK_FALSE(watch.on_light(frame_slots, readings(1, 0)));
    const auto again = watch.on_light(frame_slots, readings(1, 0));
    REQUIRE(again);
    CHECK(again->clean);
  }
}

TEST_CASE("fair randomness passes the health tests in 20,000 samples", "[watch]") {
  std::mt19937_64 dice{1};
  RandomnessWatch watch{transmitter};
  for (int i = 0; i < 20'000; ++i) REQUIRE_FALSE(watch.on_symbols(draw(dice, 0.5)));
}

TEST_CASE("a bias of the bits is found: a large one in a sample, one of 3 % in 2^20 bits", "[watch]") {
  std::mt19937_64 dice{2};
  RandomnessWatch stuck{transmitter};
  CHECK(is_wrong(stuck.on_symbols(draw(dice, 0)), "bits"));
  RandomnessWatch biased{transmitter};
  CHECK(is_wrong(biased.on_symbols(draw(dice, 0.75)), "too often alike"));
  RandomnessWatch slightly{transmitter};
  for (int i = 0; i < 1023; ++i) REQUIRE_FALSE(slightly.on_symbols(draw(dice, 0.515)));
  CHECK(is_wrong(slightly.on_symbols(draw(dice, 0.515)), "as often as is set"));
}

TEST_CASE("bases or intensities that are stuck are found", "[watch]") {
  std::mt19937_64 dice{3};
  auto stuck = draw(dice, 0.5);
  std::ranges::for_each(stuck, [](Symbol& symbol) { symbol.basis = Basis::z; });
  RandomnessWatch bases{transmitter};
  CHECK(is_wrong(bases.on_symbols(stuck), "bases"));
  stuck = draw(dice, 0.5);
  std::ranges::for_each(stuck, [](Symbol& symbol) { symbol.intensity = 1; });
  RandomnessWatch intensities{transmitter};
  CHECK(is_wrong(intensities.on_symbols(stuck), "intensities"));
}

// NIST SP 800-90B, 4.4.1: C = 1 + ⌈60 / H⌉; H = 1 gives 61.
TEST_CASE("sixty bits alike in a row are chance, sixty-one are not", "[watch]") {
  std::mt19937_64 dice{4};
  for (const std::size_t length : {60U, 61U}) {
    auto symbols = draw(dice, 0.5);
    for (std::size_t i = 0; i < sample; ++i) symbols[i].bit = i % 2;
    for (std::size_t i = 0; i < length; ++i) symbols[500 + i].bit = 0;
    symbols[499].bit = symbols[500 + length].bit = 1;
    RandomnessWatch watch{transmitter};
    CHECK(watch.on_symbols(symbols).has_value() == (length == 61));
  }
}
