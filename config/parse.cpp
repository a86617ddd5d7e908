#include "config/parse.hpp"

#include "config/document.hpp"
#include "config/read_model.hpp"
#include "config/section.hpp"

namespace cloister::config {

std::expected<Configuration, Diagnostics> parse(std::string_view text, const std::string& file_name) {
  Report report{text, file_name};
  Configuration configuration = read_document(text, report, read_model);
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return configuration;
}

std::expected<Settings, Diagnostics> parse_settings(std::string_view text, const std::string& file_name) {
  Report report{text, file_name};
  static_cast<void>(read_document(text, report, read_model));
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return report.take_settings();
}

std::expected<Configuration, Diagnostics> load(const std::string& path) {
  return text_of(path).and_then([&](const std::string& text) { return parse(text, path); });
}

std::expected<Settings, Diagnostics> load_settings(const std::string& path) {
  return text_of(path).and_then([&](const std::string& text) { return parse_settings(text, path); });
}

Settings all_settings() {
  Report report = Report::describing();
  static_cast<void>(read_model(report, YAML::Node{YAML::NodeType::Undefined}));
  return report.take_settings();
}

}  // namespace cloister::config
