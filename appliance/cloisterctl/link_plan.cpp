#include "appliance/cloisterctl/link_plan.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <format>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "appliance/box/distillation_parameters.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/link_plot.hpp"
#include "appliance/distill/account_json.hpp"
#include "config/nearest.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

constexpr std::size_t points_max = 10'000;
constexpr auto budgets = std::to_array({1e-3, 1e-6, 1e-9, 1e-12, 1e-15});
constexpr auto pulse_names = std::to_array<const char*>({"signal", "decoy", "second decoy"});

double loss_db(const config::LinkModel& model) {
  return model.fibre.length_km * model.fibre.attenuation_db_per_km + model.fibre.insertion_loss_db;
}

distill::LinkPhysics physics_of(const config::LinkModel& model) {
  const double slots_per_ns = model.clock_hz * 1e-9;
  return {.clock_hz = model.clock_hz,
          .z_probability = model.distillation.key_basis_probability,
          .transmittance = std::pow(10, -loss_db(model) / 10),
          .efficiency = model.receiver.efficiency,
          .efficiency_ratio = model.receiver.efficiency_ratio,
          .dark_count_probability = model.receiver.dark_count_probability,
          .misalignment = model.receiver.misalignment,
          .dead_slots = std::ceil(model.receiver.dead_time_ns * slots_per_ns),
          .after_pulse = model.receiver.after_pulse_probability,
          .after_pulse_lifetime_slots = model.receiver.after_pulse_lifetime_ns * slots_per_ns};
}

PlannedPoint plan_at(config::LinkModel model, double length_km) {
  model.fibre.length_km = length_km;
  const auto physics = physics_of(model);
  auto parameters = box::parameters_of(model.distillation);
  PlannedPoint point{
      .length_km = length_km, .plan = distill::plan_link(physics, parameters), .endless_bits_per_second = 0};
  parameters.block_bits = distill::endless_block_bits;
  point.endless_bits_per_second = distill::plan_link(physics, parameters).secret_bits_per_second;
  return point;
}

/// "1.23 Mbit/s".
std::string rate(double bits_per_second) {
  constexpr auto units = std::to_array<std::pair<double, const char*>>({{1e6, "Mbit/s"}, {1e3, "kbit/s"}});
  for (const auto& [size, unit] : units)
    if (bits_per_second >= size) return std::format("{:.3g} {}", bits_per_second / size, unit);
  return std::format("{:.3g} bit/s", bits_per_second);
}

std::string duration(double seconds) {
  constexpr auto units =
      std::to_array<std::pair<double, const char*>>({{86'400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}});
  for (const auto& [size, unit] : units)
    if (seconds >= size) return std::format("{:.3g} {}", seconds / size, unit);
  return std::format("{:.3g} ms", 1e3 * seconds);
}

/// What a part costs of the whole, in per cent.
double cost_percent(double with, double without) { return without > 0 ? 100 * (1 - with / without) : 0; }

json::object to_json(const PlannedPoint& point) {
  const auto& plan = point.plan;
  const auto intensities = distill::intensity_count(plan.account.parameters.bound);
  json::array gain(plan.gain.begin(), plan.gain.begin() + static_cast<std::ptrdiff_t>(intensities));
  json::array error(plan.error.begin(), plan.error.begin() + static_cast<std::ptrdiff_t>(intensities));
  return {{"length_km", point.length_km},
          {"gain", gain},
          {"error", error},
          {"live", plan.live},
          {"clicks_per_second", plan.clicks_per_second},
          {"sifted_bits_per_second", plan.sifted_bits_per_second},
          {"block_seconds", plan.block_seconds},
          {"qber", plan.account.key_qber()},
          {"phase_error_max", static_cast<double>(plan.account.phase_error)},
          {"secret_bits", plan.account.length_bits},
          {"secret_bits_per_second", plan.secret_bits_per_second},
          {"endless_secret_bits_per_second", point.endless_bits_per_second}};
}

int print(const config::Diagnostics& diagnostics, const std::string& link) {
  for (const auto& diagnostic : diagnostics) std::cerr << config::to_string(diagnostic) << '\n';
  std::vector<std::string> names;
  for (const auto& preset : config::link_presets()) names.emplace_back(preset.name);
  if (const auto meant = config::nearest(link, names))
    std::cerr << "did you mean the preset '" << *meant << "'?\n";
  else if (diagnostics.front().line == 0)  // of the whole file: there is none
    std::cerr << "'cloisterctl link presets' lists the links that are built in\n";
  return number(ExitStatus::failed);
}

}  // namespace

LinkReport report_link(const config::LinkModel& model, double to_km, double step_km) {
  LinkReport report{.model = model, .here = plan_at(model, model.fibre.length_km), .distance = {}, .budgets = {}};
  const auto steps = static_cast<std::size_t>(std::floor(to_km / step_km + 1e-9));
  for (std::size_t i = 0; i <= steps; ++i) report.distance.push_back(plan_at(model, static_cast<double>(i) * step_km));
  for (const double budget : budgets) {
    auto changed = model;
    changed.distillation.epsilon_budget = budget;
    report.budgets.push_back({budget, plan_at(changed, model.fibre.length_km).plan.secret_bits_per_second});
  }
  return report;
}

std::string render(const LinkReport& report) {
  const auto& [model, here, distance, epsilons] = report;
  const auto& plan = here.plan;
  const auto& parameters = plan.account.parameters;
  std::string out =
      std::format("{}\n{:g} km, {:.1f} dB; detectors of efficiency {:g} %; clock {:g} GHz; {}, blocks of {:g} bits\n\n",
                  model.title, here.length_km, loss_db(model), 100 * model.receiver.efficiency, model.clock_hz / 1e9,
                  distill::to_string(parameters.bound), static_cast<double>(parameters.block_bits));
  out += std::format("{:<14}{:>9}{:>8}{:>12}{:>9}\n", "pulse", "photons", "sent", "gain", "QBER");
  for (std::size_t k = 0; k < distill::intensity_count(parameters.bound); ++k) {
    out += std::format("{:<14}{:>9g}{:>6g} %{:>12.3e}{:>7.2f} %\n", pulse_names[k], parameters.intensities[k],
                       100 * parameters.probabilities[k], plan.gain[k], 100 * plan.error[k]);
  }
  out += std::format("\nclicks        {:.3g} a second, detectors live {:.3g} % of the time\n", plan.clicks_per_second,
                     100 * plan.live);
  out += std::format("block         fills in {}; QBER {:.2f} %, phase error at most {:.2f} %, {} secret bits\n",
                     duration(plan.block_seconds), 100 * plan.account.key_qber(),
                     100 * static_cast<double>(plan.account.phase_error), plan.account.length_bits);
  out += std::format("secret key    {}\n", rate(plan.secret_bits_per_second));
  out += std::format("finite key    costs {:.1f} %: blocks without end would give {}\n",
                     cost_percent(plan.secret_bits_per_second, here.endless_bits_per_second),
                     rate(here.endless_bits_per_second));
  out += std::format("epsilon       {:.3g} a block, of a budget of {:g} for {:g} years of {:g} blocks a second\n",
                     parameters.eps_sec + parameters.eps_cor, model.distillation.epsilon_budget,
                     model.distillation.planned_years, model.distillation.planned_blocks_per_second);
  for (const auto& [budget, secret] : epsilons) {
    out += std::format("              a budget of {:<6g} gives {:<12} ({:+.1f} %)\n", budget, rate(secret),
                       -cost_percent(secret, plan.secret_bits_per_second));
  }
  out +=
      std::format("\n{:>6}{:>9}{:>13}{:>14}{:>14}{:>9}\n", "km", "QBER", "block", "secret key", "without end", "cost");
  for (const auto& point : distance) {
    out += std::format("{:>6g}{:>7.2f} %{:>13}{:>14}{:>14}{:>7.1f} %\n", point.length_km,
                       100 * point.plan.account.key_qber(), duration(point.plan.block_seconds),
                       rate(point.plan.secret_bits_per_second), rate(point.endless_bits_per_second),
                       cost_percent(point.plan.secret_bits_per_second, point.endless_bits_per_second));
  }
  return out;
}

std::string to_json(const LinkReport& report) {
  json::array distance;
  for (const auto& point : report.distance) distance.push_back(to_json(point));
  json::array epsilons;
  for (const auto& [budget, secret] : report.budgets)
    epsilons.push_back({{"epsilon_budget", budget}, {"secret_bits_per_second", secret}});
  return json::serialize(
      json::object{{"title", report.model.title},
                   {"plan", to_json(report.here)},
                   {"account", json::parse("{" + distill::json_members(report.here.plan.account) + "}")},
                   {"budgets", epsilons},
                   {"distance", distance}});
}

namespace {

struct LinkPlanOptions {
  std::string link;  // a preset's name, or a file's path
  std::optional<double> length_km;
  std::optional<std::uint64_t> block_bits;
  std::optional<double> epsilon_budget;
  double to_km = 150;
  double step_km = 10;
  bool json = false;
  std::string svg;  // file of the plot; empty: none
};

int link_plan(const LinkPlanOptions& options) {
  auto model = config::find_link_model(options.link);
  if (!model) return print(model.error(), options.link);
  if (options.length_km) model->fibre.length_km = *options.length_km;
  if (options.block_bits) model->distillation.block_bits = *options.block_bits;
  if (options.epsilon_budget) model->distillation.epsilon_budget = *options.epsilon_budget;
  if (options.to_km / options.step_km > static_cast<double>(points_max))
    return failed(std::format("--step-km {:g} makes more than {} points up to --to-km {:g}: take larger steps",
                              options.step_km, points_max, options.to_km));
  const auto report = report_link(*model, options.to_km, options.step_km);
  std::cout << (options.json ? to_json(report) + "\n" : render(report));
  if (options.svg.empty()) return 0;
  std::ofstream file{options.svg};
  file << plot_of(report);
  file.close();
  return file ? 0 : failed(std::format("'{}' cannot be written", options.svg));
}

struct PresetOptions {
  std::string name;  // empty: all
  bool json = false;
};

/// All presets with their titles, or one's file.
int link_presets(const std::string& name, bool json) {
  json::array all;
  for (const auto& preset : config::link_presets()) {
    if (!name.empty() && preset.name != name) continue;
    const auto model = config::find_link_model(std::string{preset.name});
    if (!model) return print(model.error(), name);
    all.push_back({{"name", preset.name}, {"title", model->title}, {"file", preset.text}});
    if (json) continue;
    std::cout << (name.empty() ? std::format("{:<20}{}\n", preset.name, model->title) : std::string{preset.text});
  }
  if (all.empty()) return failed(std::format("there is no preset '{}': 'cloisterctl link presets' lists them", name));
  if (json) std::cout << json::serialize(all) << '\n';
  return number(ExitStatus::done);
}

}  // namespace

void offer_link_plan(CLI::App& link, Invocation& invocation) {
  const auto options = std::make_shared<LinkPlanOptions>();
  auto* plan = link.add_subcommand("plan", "Say what a link will bring; works without the service");
  plan->add_option("link", options->link, "A preset ('link presets' lists them), or a file as they are")->required();
  plan->add_option("--length-km", options->length_km, "Another length of the fibre")->check(CLI::Range(0.0, 1000.0));
  plan->add_option("--block-bits", options->block_bits, "Another block")
      ->check(CLI::Range(std::uint64_t{10'000}, std::uint64_t{1} << 40U));
  plan->add_option("--epsilon-budget", options->epsilon_budget, "Another budget for the link's life")
      ->check(CLI::Range(1e-20, 1e-3));
  plan->add_option("--to-km", options->to_km, "How far the rate is shown")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  plan->add_option("--step-km", options->step_km, "In which steps")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  plan->add_option("--svg", options->svg, "Write a plot to this file");
  plan->add_flag("--json", options->json, "For programs");
  invocation.on(plan, [options] { return link_plan(*options); });

  const auto preset = std::make_shared<PresetOptions>();
  auto* presets = link.add_subcommand("presets", "List the links that are built in, or print one's file");
  presets->add_option("name", preset->name, "Of the one to print");
  presets->add_flag("--json", preset->json, "For programs");
  invocation.on(presets, [preset] { return link_presets(preset->name, preset->json); });
}

}  // namespace cloister::cloisterctl
