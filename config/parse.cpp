#include "config/parse.hpp"

#include <utility>

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

Configuration configuration_of(Whole whole) { return std::move(whole.configuration); }
Settings settings_of(Whole whole) { return std::move(whole.settings); }

}  // namespace

std::expected<Whole, Diagnostics> parse_whole(const std::vector<TextFile>& files) {
  Report report{files};
  Configuration configuration = read_document(files, report, read_model);
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return Whole{.configuration = std::move(configuration), .settings = report.take_settings()};
}

std::expected<Whole, Diagnostics> load_whole(const std::string& path) { return files_at(path).and_then(parse_whole); }

std::expected<Configuration, Diagnostics> parse(const std::vector<TextFile>& files) {
  return parse_whole(files).transform(configuration_of);
}
std::expected<Configuration, Diagnostics> load(const std::string& path) {
  return load_whole(path).transform(configuration_of);
}
std::expected<Settings, Diagnostics> parse_settings(const std::vector<TextFile>& files) {
  return parse_whole(files).transform(settings_of);
}
std::expected<Settings, Diagnostics> load_settings(const std::string& path) {
  return load_whole(path).transform(settings_of);
}

std::expected<Tpm, Diagnostics> load_tpm(const std::string& path) {
  const auto files = files_at(path);
  if (!files) return std::unexpected{files.error()};
  Report report{*files};
  Tpm tpm = read_document(*files, report, read_tpm_alone);
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return tpm;
}

Settings all_settings() {
  Report report = Report::describing();
  static_cast<void>(read_model(report, YAML::Node{YAML::NodeType::Undefined}));
  return report.take_settings();
}

}  // namespace cloister::config
