#pragma once
/// From texts to the model that a reader makes of them: plain YAML only, and nothing thrown.

#include <yaml-cpp/yaml.h>

#include <expected>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "config/plain_yaml.hpp"
#include "config/section.hpp"
#include "config/text_file.hpp"

namespace cloister::config {

inline constexpr std::size_t files_max = 64;

/// What a person can do about what yaml-cpp calls by its parser's names; it notices at the next thing that does not
/// fit, on `line`.
[[nodiscard]] std::string in_words(const std::string& problem, std::string_view line);

/// The files as one map: a list at the top goes on from file to file, any other key is in one of them.
[[nodiscard]] YAML::Node joined(const std::vector<TextFile>& files, Report& report);

/// What is wrong is in the report; the model is then not to be used.
template <class Model>
Model read_document(const std::vector<TextFile>& files, Report& report, Model (*read)(Report&, const YAML::Node&)) {
  try {
    const auto document = joined(files, report);
    if (!report.empty()) return {};
    return read(report, document);
  } catch (const YAML::Exception& error) {
    // What has been found before is why the parser gave up.
    if (report.empty())
      report.add(error.mark, "", "this is not YAML: " + in_words(error.msg, report.line(error.mark.line)));
    return {};
  }
}

}  // namespace cloister::config
