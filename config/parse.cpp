#include "config/parse.hpp"

#include "config/document.hpp"
#include "config/neighbours.hpp"
#include "config/read_model.hpp"
#include "config/section.hpp"

namespace cloister::config {
namespace {

std::expected<std::vector<TextFile>, Diagnostics> files_at(const std::string& path) {
  const auto neighbours = neighbours_of(path);
  if (!neighbours) return std::unexpected{neighbours.error()};
  std::vector<std::string> paths{path};
  paths.insert(paths.end(), neighbours->taken.begin(), neighbours->taken.end());
  std::vector<TextFile> files;
  for (const auto& name : paths) {
    auto text = text_of(name);
    if (!text) return std::unexpected{text.error()};
    files.push_back({name, std::move(*text)});
    if (files.size() > files_max) break;  // read_document says so
  }
  return files;
}

}  // namespace

std::expected<Configuration, Diagnostics> parse(const std::vector<TextFile>& files) {
  Report report{files};
  Configuration configuration = read_document(files, report, read_model);
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return configuration;
}

std::expected<Settings, Diagnostics> parse_settings(const std::vector<TextFile>& files) {
  Report report{files};
  static_cast<void>(read_document(files, report, read_model));
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return report.take_settings();
}

std::expected<Configuration, Diagnostics> load(const std::string& path) { return files_at(path).and_then(parse); }

std::expected<Settings, Diagnostics> load_settings(const std::string& path) {
  return files_at(path).and_then(parse_settings);
}

Settings all_settings() {
  Report report = Report::describing();
  static_cast<void>(read_model(report, YAML::Node{YAML::NodeType::Undefined}));
  return report.take_settings();
}

}  // namespace cloister::config
