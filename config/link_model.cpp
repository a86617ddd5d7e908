#include "config/link_model.hpp"

#include <algorithm>
#include <format>

#include "config/document.hpp"
#include "config/kinds.hpp"
#include "config/read_distillation.hpp"
#include "config/section.hpp"

namespace cloister::config {
namespace {

FibreModel read_fibre(Section section) {
  FibreModel fibre;
  section.read("length_km", fibre.length_km, within(a_number(), 0.0, 1000.0));
  section.read("attenuation_db_per_km", fibre.attenuation_db_per_km, within(a_number(), 0.0, 100.0));
  section.read("insertion_loss_db", fibre.insertion_loss_db, within(a_number(), 0.0, 100.0));
  section.finish();
  return fibre;
}

ReceiverModel read_receiver(Section section) {
  ReceiverModel receiver;
  section.read("efficiency", receiver.efficiency, within(a_fraction(), 0.0, 1.0));
  section.read("efficiency_ratio", receiver.efficiency_ratio, within(a_fraction(), 0.0, 1.0));
  section.read("dark_count_probability", receiver.dark_count_probability, within(a_number(), 0.0, 0.1));
  section.read("misalignment", receiver.misalignment, within(a_fraction(), 0.0, 0.5));
  section.read("dead_time_ns", receiver.dead_time_ns, within(a_number(), 0.0, 1e9));
  section.read("after_pulse_probability", receiver.after_pulse_probability, within(a_fraction(), 0.0, 0.5));
  section.read("after_pulse_lifetime_ns", receiver.after_pulse_lifetime_ns, within(a_number(), 0.1, 1e6));
  section.finish();
  return receiver;
}

LinkModel read_link_model(Report& report, const YAML::Node& document) {
  LinkModel model;
  Section top{report, document, "", document.Mark()};
  if (!top.present()) {
    if (report.empty())
      report.add_whole(
          "is empty: expected title, fibre, receiver, clock and distillation, as 'cloisterctl link presets "
          "NAME' prints them");
    return model;
  }
  top.read("title", model.title, a_text("a title"), Default::none);
  model.fibre = read_fibre(top.section("fibre", true));
  model.receiver = read_receiver(top.section("receiver", true));
  top.read("clock", model.clock_hz, within(a_frequency(), 1e3, 1e10));
  model.distillation = read_distillation(top.section("distillation", false));
  top.finish();
  return model;
}

}  // namespace

std::expected<LinkModel, Diagnostics> parse_link_model(std::string_view text, const std::string& file_name) {
  const std::vector<TextFile> files{{file_name, std::string{text}}};
  Report report{files};
  LinkModel model = read_document(files, report, read_link_model);
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return model;
}

std::expected<LinkModel, Diagnostics> load_link_model(const std::string& path) {
  return text_of(path).and_then([&](const std::string& text) { return parse_link_model(text, path); });
}

std::expected<LinkModel, Diagnostics> find_link_model(const std::string& name_or_path) {
  const auto presets = link_presets();
  const auto found = std::ranges::find(presets, name_or_path, &LinkPreset::name);
  if (found != presets.end()) return parse_link_model(found->text, std::format("preset {}", name_or_path));
  return load_link_model(name_or_path);
}

}  // namespace cloister::config
