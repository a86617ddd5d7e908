#pragma once
/// A map of the YAML document while it is read: known keys are taken one by one, what is left over is unknown.

#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/kinds.hpp"
#include "config/text_file.hpp"

namespace cloister::config {

/// Collects errors, and knows the texts they point into; collects the settings in force. The lines of its files are
/// numbered through, as a mark knows no file: each file is parsed behind as many empty lines as `lines_before` says.
class Report {
 public:
  explicit Report(const std::vector<TextFile>& files);
  /// For a reading without a file: each section is there, each list has one element, nothing is an error; what comes of
  /// it is every setting there can be.
  static Report describing();
  void add(const YAML::Mark& mark, const std::string& path, std::string message);
  /// About a file as a whole.
  void add_whole(std::string message, std::size_t file = 0);
  [[nodiscard]] int lines_before(std::size_t file) const { return files_[file].lines_before; }
  [[nodiscard]] Place exact_place(const YAML::Mark& mark) const;
  /// "cloister.yaml:14", for a message that points to a second place.
  [[nodiscard]] std::string place(const YAML::Mark& mark) const;
  /// A line of the texts, from 0; empty when there is none.
  [[nodiscard]] std::string_view line(int number) const;
  void note(Setting setting) { settings_.push_back(std::move(setting)); }
  [[nodiscard]] bool is_describing() const { return describing_; }
  [[nodiscard]] Settings take_settings() { return std::move(settings_); }
  [[nodiscard]] bool empty() const { return diagnostics_.empty(); }
  [[nodiscard]] Diagnostics take_sorted();

 private:
  struct File {
    std::string name;
    int lines_before;
  };
  [[nodiscard]] const File& file_of(const YAML::Mark& mark) const;

  std::vector<std::string> lines_;
  std::vector<File> files_;
  std::vector<std::pair<YAML::Mark, Diagnostic>> diagnostics_;
  Settings settings_;
  bool describing_ = false;
};

class Section {
 public:
  /// `node` may be undefined (an optional section that is absent) or no map, which is an error.
  Section(Report& report, const YAML::Node& node, std::string path, YAML::Mark parent);

  [[nodiscard]] Section section(const std::string& key, bool required);
  /// The sections of a list of them.
  [[nodiscard]] std::vector<Section> sections(const std::string& key, bool required);
  void error(const std::string& key, std::string message);
  /// A key that has no meaning beside others that are there.
  void refuse(const std::string& key, std::string message) {
    known_.push_back(key);
    if (has(key)) error(key, std::move(message));
  }
  /// Where the value of a key stands: "cloister.yaml:14".
  [[nodiscard]] std::string place_of(const std::string& key) const { return report_->place(mark_of(key)); }
  /// About the section as a whole.
  void error_here(std::string message) { report_->add(mark_, path_, std::move(message)); }

  /// Reads a value of the given kind into `out`, which holds the default; a missing key without one is an error.
  template <class T>
  void read(const std::string& key, T& out, const Kind<T>& kind, Default fallback = Default::fixed) {
    const auto value = text(key, fallback == Default::none);
    if (value) {
      if (auto parsed = kind.parse(*value))
        out = std::move(*parsed);
      else
        error(key, kind.refuse(*value));
    }
    note(key, {kind.show(out)}, false, value.has_value(), fallback, kind.form(),
         value ? std::vector{mark_of(key)} : std::vector<YAML::Mark>{});
  }

  /// Reads a value that may be left out and has no default: it is in force, and shown, only where it is given.
  template <class T>
  void read_optional(const std::string& key, T& out, const Kind<T>& kind) {
    if (has(key) || report_->is_describing())
      read(key, out, kind, Default::derived);
    else
      known_.push_back(key);
  }

  /// Reads a list, each element by `parse`, which gives a std::expected with the reason as text; whether all could be read.
  template <class T, class Parser, class Show>
  bool read_list(const std::string& key, std::vector<T>& out, Parser parse, Show show, Form form,
                 Default fallback = Default::fixed) {
    std::vector<YAML::Mark> marks;
    const auto elements = list(key, fallback == Default::none);
    bool whole = elements.has_value() || !has(key);
    if (elements) out.clear();
    for (const auto& element : elements.value_or(std::vector<YAML::Node>{})) {
      auto parsed = parse(element.IsScalar() ? element.Scalar() : std::string{});
      marks.push_back(element.Mark());
      if (parsed)
        out.push_back(std::move(*parsed));
      else
        report_->add(element.Mark(), path_of(key), parsed.error());
      whole = whole && parsed.has_value();
    }
    std::vector<std::string> shown;
    for (const auto& value : out) shown.push_back(show(value));
    note(key, std::move(shown), true, elements.has_value(), fallback, std::move(form), marks);
    return whole;
  }

  /// Reports every key that was not asked for, with the nearest known one.
  void finish();

  [[nodiscard]] bool present() const { return present_; }
  [[nodiscard]] bool has(const std::string& key) const;
  /// Its value is keys and values, not one value; any may be where there is no file.
  [[nodiscard]] bool holds_keys(const std::string& key) const;
  [[nodiscard]] bool is_describing() const { return report_->is_describing(); }

 private:
  /// The value of a key, undefined when it is absent; one that is there but empty is an error, and undefined too.
  [[nodiscard]] YAML::Node find(const std::string& key, bool required);
  /// The text of a key, or nothing; a missing required key is an error.
  [[nodiscard]] std::optional<std::string> text(const std::string& key, bool required);
  [[nodiscard]] std::optional<std::vector<YAML::Node>> list(const std::string& key, bool required);
  void note(const std::string& key, std::vector<std::string> values, bool list, bool given, Default fallback, Form form,
            const std::vector<YAML::Mark>& marks = {});
  [[nodiscard]] YAML::Mark mark_of(const std::string& key) const;
  [[nodiscard]] std::string path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  Report* report_;
  YAML::Node node_;
  std::string path_;
  YAML::Mark mark_;
  bool present_ = false;
  std::vector<std::string> known_;
};

}  // namespace cloister::config
