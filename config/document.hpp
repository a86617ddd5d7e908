#pragma once
/// From a text to the model that a reader makes of it: plain YAML only, and nothing thrown.

#include <yaml-cpp/yaml.h>

#include <expected>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "config/plain_yaml.hpp"
#include "config/section.hpp"

namespace cloister::config {

inline constexpr std::size_t text_bytes_max = std::size_t{1} << 20U;

/// What a person can do about what yaml-cpp calls by its parser's names; it notices at the next thing that does not fit.
[[nodiscard]] std::string in_words(const std::string& problem);
/// The text of a file, or why it cannot be had.
[[nodiscard]] std::expected<std::string, Diagnostics> text_of(const std::string& path);

/// What is wrong is in the report; the model is then not to be used.
template <class Model>
Model read_document(std::string_view text, Report& report, Model (*read)(Report&, const YAML::Node&)) {
  if (text.size() > text_bytes_max) {
    report.add_whole("is longer than 1 MiB: this is no file of Cloister");
    return {};
  }
  try {
    expect_plain_yaml(text, report);
    if (!report.empty()) return {};
    return read(report, YAML::Load(std::string{text}));
  } catch (const YAML::Exception& error) {
    report.add(error.mark, "", "this is not YAML: " + in_words(error.msg));
    return {};
  }
}

}  // namespace cloister::config
