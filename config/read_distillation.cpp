#include "config/read_distillation.hpp"

#include <cmath>
#include <expected>
#include <format>
#include <string>
#include <vector>

#include "config/kinds.hpp"
#include "config/units.hpp"

namespace cloister::config {
namespace {

/// A number for the signal and one for each decoy; false where their count is not `count`.
bool read_numbers(Section& section, const std::string& key, std::size_t count, const std::string& bound,
                  std::vector<double>& values) {
  const bool whole =
      section.read_list(key, values,
                        [](const std::string& text) -> std::expected<double, std::string> {
                          if (const auto value = parse_number(text)) return *value;
                          return std::unexpected{"'" + shown(text) + "' is not a number"};
                        },
                        show_number, {.expected = "numbers: for the signal and each decoy", .shape = Shape::number});
  if (!whole) return false;
  if (values.size() == count) return true;
  section.error(key, std::format("has {} values, expected {}: bound {} is for the signal and {}", values.size(), count,
                                 bound, count == 3 ? "two decoys" : "one decoy"));
  return false;
}

/// What is sent: as many intensities as the bound has formulas for.
void read_light(Section& section, Distillation& distillation) {
  const bool two_decoys = distillation.bound == "lim2014";
  const std::size_t count = two_decoys ? 3 : 2;
  if (read_numbers(section, "intensities", count, distillation.bound, distillation.intensities)) {
    const auto& mu = distillation.intensities;
    if (two_decoys ? !(mu[0] > mu[1] + mu[2] && mu[1] > mu[2] && mu[2] >= 0 && mu[0] <= 2)
                   : !(mu[0] > mu[1] && mu[1] > 0 && mu[0] <= 2))
      section.error("intensities",
                    two_decoys
                        ? "expected mean photon numbers, descending: the signal above the sum of both decoys, none "
                          "negative, at most 2"
                        : "expected mean photon numbers, descending: signal above decoy, both above 0, at most 2");
  }
  if (read_numbers(section, "probabilities", count, distillation.bound, distillation.probabilities)) {
    double sum = 0;
    bool positive = true;
    for (const double probability : distillation.probabilities) {
      sum += probability;
      positive = positive && probability > 0;
    }
    if (!positive || !(std::abs(sum - 1) < 1e-9))
      section.error("probabilities",
                    std::format("expected {} that are above 0 and add up to 1", two_decoys ? "three" : "two"));
  }
}

}  // namespace

Distillation read_distillation(Section section) {
  Distillation distillation;
  section.read("block_bits", distillation.block_bits,
               within(a_count(), std::uint64_t{10'000}, std::uint64_t{40'000'000}));
  section.read(
      "bound", distillation.bound,
      one_of<std::string>({{"wiesemann2024", "wiesemann2024"}, {"rusca2018", "rusca2018"}, {"lim2014", "lim2014"}},
                          "a bound: expected 'wiesemann2024' or 'rusca2018' (one decoy), or 'lim2014' (two)"));
  section.read("epsilon_budget", distillation.epsilon_budget, within(a_number(), 1e-20, 1e-3));
  section.read("planned_years", distillation.planned_years, within(a_number(), 0.01, 100.0));
  section.read("planned_blocks_per_second", distillation.planned_blocks_per_second,
               within(a_number(), 0.001, 10'000.0));
  section.read("qber_limit", distillation.qber_limit, within(a_fraction(), 0.001, 0.11));
  section.read("key_basis_probability", distillation.key_basis_probability, within(a_fraction(), 0.05, 0.99));
  read_light(section, distillation);
  section.finish();
  return distillation;
}

}  // namespace cloister::config
