#pragma once
/// A QKD link as a file describes it: what its plan is computed from, and what the simulated fibre is set to. The same
/// file serves both, so that a plan and a running link can be laid on each other.

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "config/model.hpp"

namespace cloister::config {

struct FibreModel {
  double length_km = 25;
  double attenuation_db_per_km = 0.2;
  double insertion_loss_db = 0;  // connectors, splices, filters
};

struct ReceiverModel {
  double efficiency = 0.1;               // optics and detectors
  double efficiency_ratio = 1;           // of the detectors of bit 1 to those of bit 0
  double dark_count_probability = 1e-7;  // per detector and slot
  double misalignment = 0.01;            // part of the light that reaches the wrong detector
  double dead_time_ns = 0;
  double after_pulse_probability = 0;
  double after_pulse_lifetime_ns = 1000;
};

struct LinkModel {
  std::string title;
  FibreModel fibre;
  ReceiverModel receiver;
  double clock_hz = 1e9;
  Distillation distillation;  // as in a box's file
};

/// As `parse` and `load` of a box's file: all errors at once, each with its place.
[[nodiscard]] std::expected<LinkModel, Diagnostics> parse_link_model(std::string_view text,
                                                                     const std::string& file_name);
[[nodiscard]] std::expected<LinkModel, Diagnostics> load_link_model(const std::string& path);

/// The links that are built in, from config/links, by name.
struct LinkPreset {
  std::string_view name;
  std::string_view text;  // YAML
};
[[nodiscard]] std::span<const LinkPreset> link_presets();
/// A preset by its name, or else a file by its path.
[[nodiscard]] std::expected<LinkModel, Diagnostics> find_link_model(const std::string& name_or_path);

}  // namespace cloister::config
