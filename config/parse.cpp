#include "config/parse.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/plain_yaml.hpp"
#include "config/read_model.hpp"
#include "config/section.hpp"

namespace cloister::config {
namespace {

constexpr std::size_t text_bytes_max = std::size_t{1} << 20U;

/// What a person can do about what yaml-cpp calls by its parser's names; it notices at the next thing that does not fit.
std::string in_words(const std::string& problem) {
  const auto says = [&](const char* words) { return problem.contains(words); };
  if (says("illegal map value") || says("illegal map key"))
    return "a key here or just above has no ': ' behind it, or a value holds one: write 'key: value', quotes around "
           "the value";
  if (says("end of sequence flow")) return "a '[' just above is not closed";
  if (says("end of map flow")) return "a '{' just above is not closed";
  if (says("end of sequence") || says("end of map"))
    return "this line, or the one above, is indented otherwise than its neighbours";
  return problem;
}

/// What is wrong is in the report.
Configuration read(std::string_view text, Report& report) {
  if (text.size() > text_bytes_max) {
    report.add_whole("is longer than 1 MiB: this is no configuration of Cloister");
    return {};
  }
  try {
    expect_plain_yaml(text, report);
    if (!report.empty()) return {};
    return read_model(report, YAML::Load(std::string{text}));
  } catch (const YAML::Exception& error) {
    report.add(error.mark, "", "this is not YAML: " + in_words(error.msg));
    return {};
  }
}

std::expected<std::string, Diagnostics> text_of(const std::string& path) {
  const auto unreadable = [&](const std::string& why) {
    return std::unexpected{Diagnostics{{path, 0, 0, "", "cannot be read: " + why, ""}}};
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return unreadable("it is a directory");
  std::ifstream file{path, std::ios::binary};
  if (!file) return unreadable(std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::expected<Configuration, Diagnostics> parse(std::string_view text, const std::string& file_name) {
  Report report{text, file_name};
  Configuration configuration = read(text, report);
  if (!report.empty()) return std::unexpected{report.take_sorted()};
  return configuration;
}

std::expected<Settings, Diagnostics> parse_settings(std::string_view text, const std::string& file_name) {
  Report report{text, file_name};
  static_cast<void>(read(text, report));
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
