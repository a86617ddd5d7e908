#include "config/section.hpp"

#include <algorithm>
#include <format>
#include <sstream>

#include "config/nearest.hpp"

namespace cloister::config {
namespace {

constexpr std::size_t diagnostics_max = 50;

std::string in_one_line(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : ", ") + word;
  return line;
}

}  // namespace

Report::Report(const std::vector<TextFile>& files) {
  for (const auto& [name, text] : files) {
    files_.push_back({name, static_cast<int>(lines_.size())});
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) lines_.push_back(line);
    lines_.resize(lines_.size() + 2);  // the parser may point behind the last line
  }
}

Report Report::describing() {
  Report report{{{"", ""}}};
  report.describing_ = true;
  return report;
}

const Report::File& Report::file_of(const YAML::Mark& mark) const {
  const auto next = std::ranges::upper_bound(files_, mark.line, {}, &File::lines_before);
  return next == files_.begin() ? files_.front() : *std::prev(next);
}

Place Report::exact_place(const YAML::Mark& mark) const {
  const auto& file = file_of(mark);
  return {file.name, mark.line < 0 ? 0 : mark.line - file.lines_before + 1, mark.column < 0 ? 1 : mark.column + 1,
          shown(line(mark.line))};
}

void Report::add(const YAML::Mark& mark, const std::string& path, std::string message) {
  if (describing_) return;
  auto place = exact_place(mark);
  diagnostics_.push_back(
      {mark,
       {std::move(place.file), place.line, place.column, path, std::move(message), std::move(place.source_line)}});
}

std::string Report::place(const YAML::Mark& mark) const {
  const auto& file = file_of(mark);
  return std::format("{}:{}", file.name, mark.line - file.lines_before + 1);
}

std::string_view Report::line(int number) const {
  return number >= 0 && static_cast<std::size_t>(number) < lines_.size() ? lines_[static_cast<std::size_t>(number)]
                                                                         : std::string_view{};
}

void Report::add_whole(std::string message, std::size_t file) {
  YAML::Mark mark;
  mark.line = files_[file].lines_before;
  mark.column = -1;
  diagnostics_.push_back({mark, {files_[file].name, 0, 0, "", std::move(message), ""}});
}

Diagnostics Report::take_sorted() {
  std::ranges::stable_sort(diagnostics_, {},
                           [](const auto& found) { return std::pair{found.first.line, found.first.column}; });
  Diagnostics sorted;
  for (auto& [mark, diagnostic] : diagnostics_) {
    sorted.push_back(std::move(diagnostic));
    if (sorted.size() < diagnostics_max) continue;
    if (const auto more = diagnostics_.size() - sorted.size(); more > 0)
      sorted.push_back({files_.front().name, 0, 0, "", std::format("and {} errors more: mend these first", more), ""});
    break;
  }
  return sorted;
}

Section::Section(Report& report, const YAML::Node& node, std::string path, YAML::Mark parent)
    : report_{&report}, path_{std::move(path)}, mark_{parent}, present_{report.is_describing()} {
  if (!node.IsDefined() || node.IsNull()) return;
  mark_ = node.Mark();
  if (!node.IsMap()) {
    report_->add(mark_, path_, "expected keys and values, indented below it");
    return;
  }
  node_ = node;
  present_ = true;
  std::vector<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      report_->add(entry.first.Mark(), path_, "a key must be a word");
      continue;
    }
    const std::string key = entry.first.Scalar();
    if (std::ranges::find(seen, key) != seen.end())
      report_->add(entry.first.Mark(), path_of(shown(key)), "stands twice: take one out");
    seen.push_back(key);
  }
}

YAML::Node Section::find(const std::string& key, bool required) {
  known_.push_back(key);
  if (present_) {
    for (const auto& entry : node_) {
      if (!entry.first.IsScalar() || entry.first.Scalar() != key) continue;
      if (!entry.second.IsNull()) return entry.second;
      report_->add(entry.first.Mark(), path_of(key), "is empty: give it a value, or take it out");
      return YAML::Node{YAML::NodeType::Undefined};
    }
  }
  if (required) report_->add(mark_, path_of(key), "is missing: it has no default");
  return YAML::Node{YAML::NodeType::Undefined};
}

std::optional<std::string> Section::text(const std::string& key, bool required) {
  const YAML::Node node = find(key, required);
  if (!node.IsDefined()) return std::nullopt;
  if (!node.IsScalar()) {
    report_->add(node.Mark(), path_of(key), "expected one value");
    return std::nullopt;
  }
  return node.Scalar();
}

std::optional<std::vector<YAML::Node>> Section::list(const std::string& key, bool required) {
  const YAML::Node node = find(key, required);
  if (!node.IsDefined()) return std::nullopt;
  std::vector<YAML::Node> elements;
  if (!node.IsSequence()) {
    report_->add(node.Mark(), path_of(key), "expected a list: lines that begin with '- ', or [a, b]");
    return std::nullopt;
  }
  for (const auto& element : node) elements.push_back(element);
  return elements;
}

Section Section::section(const std::string& key, bool required) {
  return {*report_, find(key, required), path_of(key), mark_};
}

std::vector<Section> Section::sections(const std::string& key, bool required) {
  std::vector<Section> found;
  auto elements = list(key, required).value_or(std::vector<YAML::Node>{});
  if (report_->is_describing()) {
    elements.emplace_back(YAML::NodeType::Undefined);
    note(key, {}, true, false, required ? Default::none : Default::fixed,
         {.expected = "a list", .shape = Shape::section});
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto mark = elements[i].IsDefined() ? elements[i].Mark() : mark_;
    if (elements[i].IsNull()) report_->add(mark, std::format("{}[{}]", path_of(key), i), "is empty: take its '-' out");
    Section section{*report_, elements[i], std::format("{}[{}]", path_of(key), i), mark};
    if (section.present()) found.push_back(std::move(section));
  }
  return found;
}

void Section::note(const std::string& key, std::vector<std::string> values, bool list, bool given, Default fallback,
                   Form form, const std::vector<YAML::Mark>& marks) {
  std::vector<Place> places;
  for (const auto& mark : marks) places.push_back(report_->exact_place(mark));
  report_->note({path_of(key), std::move(values), list, given, fallback, std::move(form), std::move(places)});
}

bool Section::has(const std::string& key) const {
  return present_ && std::ranges::any_of(node_, [&](const auto& entry) {
           return entry.first.IsScalar() && entry.first.Scalar() == key;
         });
}

bool Section::holds_keys(const std::string& key) const {
  if (report_->is_describing()) return true;
  return present_ && std::ranges::any_of(node_, [&](const auto& entry) {
           return entry.first.IsScalar() && entry.first.Scalar() == key && entry.second.IsMap();
         });
}

YAML::Mark Section::mark_of(const std::string& key) const {
  YAML::Mark mark = mark_;
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) mark = entry.second.Mark();
  }
  return mark;
}

void Section::error(const std::string& key, std::string message) {
  report_->add(mark_of(key), path_of(key), std::move(message));
}

void Section::finish() {
  if (!present_) return;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar() || std::ranges::find(known_, entry.first.Scalar()) != known_.end()) continue;
    const std::string key = entry.first.Scalar();
    std::string message = std::format("unknown key '{}'", shown(key));
    if (const auto meant = nearest(key, known_))
      message += std::format(": did you mean '{}'?", *meant);
    else
      message += ": take it out; known here: " + in_one_line(known_);
    report_->add(entry.first.Mark(), path_, std::move(message));
  }
}

}  // namespace cloister::config
