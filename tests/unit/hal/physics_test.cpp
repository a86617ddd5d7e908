// The simulated link against closed forms: Ma, Qi, Zhao and Lo, PRA 72, 012326 (2005), eqs. (8)-(11), with double
// clicks.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "hal/fibre/attenuation.hpp"
#include "hal/fibre/link.hpp"
#include "hal/simulator/protocol.hpp"

namespace {

using namespace cloister;
using namespace cloister::hal;
using fibre::EveBasis;
using fibre::Link;
using fibre::LinkParameters;
using simulator::SourceSettings;

constexpr SourceSettings settings{
    .clock_hz = 1e9, .z_probability = 0.8, .intensities = {0.5, 0.1}, .probabilities = {0.7, 0.3}};
constexpr LinkParameters noisy{.length_km = 20,
                               .attenuation_db_per_km = 0.2,
                               .efficiency = 0.05,
                               .dark_count_probability = 1e-4,
                               .misalignment = 0.02,
                               .dead_time_seconds = 0};

simulator::SymbolGenerator generator_of(std::uint8_t seed_byte, const SourceSettings& source = settings) {
  simulator::SourceSeed seed;
  std::ranges::fill(seed.fill(), std::byte{seed_byte});
  auto generator = simulator::SymbolGenerator::create(seed, source);
  REQUIRE(generator);
  return std::move(*generator);
}

/// Counts by intensity, and by basis where both ends chose the same.
struct Tally {
  std::array<std::uint64_t, 3> clicks{};
  std::array<std::uint64_t, 3> matching{};
  std::array<std::uint64_t, 3> errors{};
  std::array<std::array<std::uint64_t, 2>, 2> by_basis{};  // [basis]{matching, errors}
  std::uint64_t in_z = 0;
  std::uint64_t doubles = 0;
  std::uint64_t total() const { return clicks[0] + clicks[1] + clicks[2]; }
};

Tally watch(Link& link, std::uint64_t slots, Slot begin = 0, const SourceSettings& source = settings) {
  const auto generator = generator_of(7, source);
  constexpr std::uint64_t run_slots = 1'000'000;
  Tally tally;
  std::vector<std::uint32_t> packed;
  for (Slot first = begin; first < begin + slots; first += run_slots) {
    link.run(3, first, run_slots, packed);
    const auto frame = simulator::unpack(
        {.epoch = 3, .first = first, .slots = run_slots, .lost = 0, .packed = std::as_bytes(std::span{packed})});
    REQUIRE(frame);
    for (const auto& detection : frame->detections) {
      Symbol symbol{};
      const Slot slot = detection.slot;
      generator.symbols(3, {&slot, 1}, {&symbol, 1});
      ++tally.clicks[symbol.intensity];
      tally.in_z += detection.basis == Basis::z ? 1 : 0;
      tally.doubles += detection.double_click ? 1 : 0;
      if (detection.basis != symbol.basis) continue;
      const auto wrong = detection.bit != symbol.bit ? 1U : 0U;
      ++tally.matching[symbol.intensity];
      tally.errors[symbol.intensity] += wrong;
      ++tally.by_basis[static_cast<std::size_t>(symbol.basis)][0];
      tally.by_basis[static_cast<std::size_t>(symbol.basis)][1] += wrong;
    }
  }
  return tally;
}

fibre::Disturbance eavesdropper(const fibre::Attack& attack) {
  fibre::Disturbance disturbance;
  disturbance.eve = attack;
  return disturbance;
}

fibre::Disturbance cut_fibre() {
  fibre::Disturbance disturbance;
  disturbance.cut = true;
  return disturbance;
}

void check_binomial(const char* what, std::uint64_t found, double trials, double probability) {
  const double expected = trials * probability;
  const double sigma = std::sqrt(expected * (1 - probability));
  INFO(what << ": found " << found << ", expected " << expected << " ± " << sigma);
  CHECK(std::abs(static_cast<double>(found) - expected) < 5 * sigma);
}

double error_rate(const std::array<std::uint64_t, 2>& counts) {
  return static_cast<double>(counts[1]) / static_cast<double>(counts[0]);
}

struct ClosedForm {
  double gain;
  double error;
  double both;
};

ClosedForm closed_form(const LinkParameters& link, double mean_photons) {
  const double eta = std::pow(10, -link.length_km * link.attenuation_db_per_km / 10) * link.efficiency;
  const double dark = link.dark_count_probability;
  const double y0 = 1 - (1 - dark) * (1 - dark);
  const double gain = 1 - (1 - y0) * std::exp(-eta * mean_photons);
  const double right = 1 - (1 - dark) * std::exp(-eta * mean_photons * (1 - link.misalignment));
  const double wrong = 1 - (1 - dark) * std::exp(-eta * mean_photons * link.misalignment);
  return {.gain = gain, .error = (wrong * (1 - right) + right * wrong / 2) / gain, .both = right * wrong};
}

}  // namespace

TEST_CASE("gain and error rate of each intensity are those of the closed forms") {
  constexpr std::uint64_t slots = 100'000'000;
  Link link{noisy, settings, generator_of(7), 1};
  const auto tally = watch(link, slots);
  for (const std::size_t k : {0U, 1U}) {
    INFO("intensity " << settings.intensities[k]);
    const auto expected = closed_form(noisy, settings.intensities[k]);
    check_binomial("gain", tally.clicks[k], slots * settings.probabilities[k], expected.gain);
    check_binomial("errors", tally.errors[k], static_cast<double>(tally.matching[k]), expected.error);
  }
  check_binomial("clicks in Z", tally.in_z, static_cast<double>(tally.total()), settings.z_probability);
}

TEST_CASE("with two decoys each of three intensities is sent as often as set and has its closed form") {
  constexpr SourceSettings three{
      .clock_hz = 1e9, .z_probability = 0.8, .intensities = {0.5, 0.1, 0.002}, .probabilities = {0.5, 0.2, 0.3}};
  constexpr std::uint64_t slots = 100'000'000;
  REQUIRE(simulator::check(three));
  Link link{noisy, three, generator_of(7, three), 3};
  const auto tally = watch(link, slots, 0, three);
  for (const std::size_t k : {0U, 1U, 2U}) {
    INFO("intensity " << three.intensities[k]);
    const auto expected = closed_form(noisy, three.intensities[k]);
    check_binomial("gain", tally.clicks[k], slots * three.probabilities[k], expected.gain);
    check_binomial("errors", tally.errors[k], static_cast<double>(tally.matching[k]), expected.error);
  }
}

TEST_CASE("gains and error rates follow the closed forms from 0 to 200 km") {
  for (const double length_km : {0.0, 25.0, 50.0, 100.0, 150.0, 200.0}) {
    const LinkParameters link{
        .length_km = length_km, .efficiency = 0.2, .dark_count_probability = 1e-7, .misalignment = 0.02};
    const auto signal = closed_form(link, settings.intensities[0]);
    // At 200 km a gain of 1e-5: 1e4 clicks in a second of slots.
    const auto slots = 1'000'000 * static_cast<std::uint64_t>(std::ceil(std::min(1000.0, 0.1 / signal.gain)));
    Link far{link, settings, generator_of(7), 10};
    const auto tally = watch(far, slots);
    for (const std::size_t k : {0U, 1U}) {
      INFO(length_km << " km, intensity " << settings.intensities[k]);
      const auto expected = closed_form(link, settings.intensities[k]);
      check_binomial("gain", tally.clicks[k], static_cast<double>(slots) * settings.probabilities[k], expected.gain);
      check_binomial("errors", tally.errors[k], static_cast<double>(tally.matching[k]), expected.error);
    }
  }
}

TEST_CASE("double clicks come at the closed form's rate and with an unbiased bit") {
  constexpr LinkParameters bright{.length_km = 0, .efficiency = 1, .dark_count_probability = 0, .misalignment = 0.5};
  constexpr std::uint64_t slots = 10'000'000;
  Link link{bright, settings, generator_of(7), 2};
  const auto tally = watch(link, slots);
  double doubles = 0;
  for (const std::size_t k : {0U, 1U})
    doubles += settings.probabilities[k] * closed_form(bright, settings.intensities[k]).both;
  check_binomial("double clicks", tally.doubles, slots, doubles);
  check_binomial("errors", tally.errors[0], static_cast<double>(tally.matching[0]), 0.5);
}

TEST_CASE("intercept and resend raises the error rate to e + p (1/4 - e/2) and keeps the signal's gain") {
  constexpr LinkParameters quiet{
      .length_km = 20, .efficiency = 0.05, .dark_count_probability = 0, .misalignment = 0.02};
  constexpr std::uint64_t slots = 50'000'000;
  for (const double fraction : {0.0, 0.25, 0.5, 1.0}) {
    Link link{quiet, settings, generator_of(7), 3};
    link.disturb(
        eavesdropper(fibre::InterceptResend{.fraction = fraction, .basis = EveBasis::random, .mean_photons = 0}));
    const auto tally = watch(link, slots);
    INFO("fraction " << fraction);
    // Without dark counts and with hardly a double click the error rate without Eve is the misalignment.
    const double expected = quiet.misalignment + fraction * (0.25 - quiet.misalignment / 2);
    const auto matching = tally.matching[0] + tally.matching[1];
    CHECK(std::abs(error_rate({matching, tally.errors[0] + tally.errors[1]}) - expected) <
          5 * std::sqrt(0.25 / static_cast<double>(matching)));
    const double untouched = closed_form(quiet, settings.intensities[0]).gain * slots * settings.probabilities[0];
    CHECK(std::abs(static_cast<double>(tally.clicks[0]) / untouched - 1) < 0.03);
  }
}

TEST_CASE("an eavesdropper who always measures in Z is seen in X only") {
  Link link{noisy, settings, generator_of(7), 4};
  link.disturb(eavesdropper(fibre::InterceptResend{.fraction = 1, .basis = EveBasis::z, .mean_photons = 0}));
  const auto tally = watch(link, 50'000'000);
  CHECK(error_rate(tally.by_basis[0]) < 0.06);
  CHECK(std::abs(error_rate(tally.by_basis[1]) - 0.5) <
        5 * std::sqrt(0.25 / static_cast<double>(tally.by_basis[1][0])));
}

TEST_CASE("a cut fibre leaves dark counts only, and light returns when it is mended") {
  constexpr std::uint64_t slots = 20'000'000;
  Link link{noisy, settings, generator_of(7), 5};
  link.disturb(cut_fibre());
  const double dark = noisy.dark_count_probability;
  const auto cut = watch(link, slots);
  check_binomial("dark counts", cut.total(), slots, 1 - (1 - dark) * (1 - dark));
  link.disturb({});
  const auto mended = watch(link, slots, slots);
  check_binomial("mended", mended.clicks[0], slots * settings.probabilities[0],
                 closed_form(noisy, settings.intensities[0]).gain);
}

TEST_CASE("no two clicks are nearer than the dead time, which lowers the rate as a non-paralysable detector's") {
  LinkParameters slow = noisy;
  slow.dead_time_seconds = 200e-9;
  Link link{slow, settings, generator_of(7), 6};
  std::vector<std::uint32_t> packed;
  constexpr std::uint64_t slots = 50'000'000;
  link.run(3, 0, slots, packed);
  REQUIRE(packed.size() > 1000);
  std::uint64_t nearest = slots;
  for (std::size_t i = 1; i < packed.size(); ++i)
    nearest = std::min<std::uint64_t>(nearest, (packed[i] >> 3) - (packed[i - 1] >> 3));
  CHECK(nearest == 201);
  double gain = 0;
  for (const std::size_t k : {0U, 1U})
    gain += settings.probabilities[k] * closed_form(slow, settings.intensities[k]).gain;
  const double expected = gain * slots / (1 + gain * 200);  // Rogers et al., New J. Phys. 9, 319 (2007)
  CHECK(std::abs(static_cast<double>(packed.size()) - expected) < 5 * std::sqrt(expected));
}

TEST_CASE("a fibre without light and without dark counts is silent") {
  LinkParameters silent = noisy;
  silent.efficiency = 0;
  silent.dark_count_probability = 0;
  Link link{silent, settings, generator_of(7), 7};
  CHECK(watch(link, 10'000'000).total() == 0);
}

TEST_CASE("one dice seed gives one run") {
  std::vector<std::uint32_t> once, again, other;
  Link{noisy, settings, generator_of(7), 8}.run(3, 0, 1'000'000, once);
  Link{noisy, settings, generator_of(7), 8}.run(3, 0, 1'000'000, again);
  Link{noisy, settings, generator_of(7), 9}.run(3, 0, 1'000'000, other);
  CHECK(once == again);
  CHECK(once != other);
}

TEST_CASE("numbers that are no fibre are refused by name") {
  struct Case {
    double LinkParameters::* member;
    double value;
    const char* name;
  };
  for (const auto& [member, value, name] : std::to_array<Case>({
           {&LinkParameters::length_km, -1, "length"},
           {&LinkParameters::length_km, std::nan(""), "length"},
           {&LinkParameters::attenuation_db_per_km, -0.2, "attenuation"},
           {&LinkParameters::insertion_loss_db, -1, "insertion loss"},
           {&LinkParameters::efficiency, 1.5, "efficiency"},
           {&LinkParameters::efficiency_ratio, 1.1, "efficiency ratio"},
           {&LinkParameters::dark_count_probability, 0.5, "dark count"},
           {&LinkParameters::misalignment, 0.6, "misalignment"},
           {&LinkParameters::dead_time_seconds, INFINITY, "dead time"},
           {&LinkParameters::after_pulse_probability, 0.6, "after-pulse probability"},
           {&LinkParameters::after_pulse_lifetime_seconds, 0, "after-pulse lifetime"},
       })) {
    LinkParameters parameters;
    REQUIRE(fibre::check(parameters));
    parameters.*member = value;
    const auto checked = fibre::check(parameters);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.contains(name));
  }
}
