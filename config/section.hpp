#pragma once
/// A map of the YAML document while it is read: known keys are taken one by one, what is left over is unknown.

#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace cloister::config {

/// Collects errors and knows the text they point into.
class Report {
 public:
  Report(std::string_view text, std::string file);
  void add(const YAML::Mark& mark, const std::string& path, std::string message);
  void add_whole(std::string message);
  [[nodiscard]] bool empty() const { return diagnostics_.empty(); }
  [[nodiscard]] Diagnostics take_sorted();

 private:
  std::vector<std::string> lines_;
  std::string file_;
  Diagnostics diagnostics_;
};

class Section {
 public:
  /// `node` may be undefined (an optional section that is absent) or no map, which is an error.
  Section(Report& report, const YAML::Node& node, std::string path, YAML::Mark parent);

  /// The text of a key, or nothing; a missing required key is an error.
  [[nodiscard]] std::optional<std::string> text(const std::string& key, bool required);
  [[nodiscard]] std::vector<YAML::Node> list(const std::string& key, bool required);
  [[nodiscard]] Section section(const std::string& key, bool required);
  void error(const std::string& key, std::string message);
  void error_here(std::string message);

  /// Reads a key by a parser that gives an optional; `expected` completes "'x' is not …".
  template <class T, class Parser>
  void read(const std::string& key, T& out, Parser parser, std::string_view expected, bool required = false) {
    const auto value = text(key, required);
    if (!value) return;
    auto parsed = parser(*value);
    if (parsed)
      out = std::move(*parsed);
    else
      error(key, "'" + *value + "' is not " + std::string{expected});
  }

  /// Reports every key that was not asked for, with the nearest known one.
  void finish();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] YAML::Mark mark() const { return mark_; }
  [[nodiscard]] bool present() const { return present_; }

 private:
  [[nodiscard]] YAML::Node find(const std::string& key, bool required);
  [[nodiscard]] std::string path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  Report* report_;
  YAML::Node node_;
  std::string path_;
  YAML::Mark mark_;
  bool present_ = false;
  std::vector<std::string> known_;
};

/// The candidate that differs least, when it differs little enough to be a slip.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace cloister::config
