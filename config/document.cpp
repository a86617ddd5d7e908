#include "config/document.hpp"

#include <format>
#include <optional>
#include <utility>

namespace cloister::config {

namespace {

std::string too_long(std::size_t file) {
  return file == 0 ? "is longer than 1 MiB: this is no file of Cloister"
                   : "is more than 1 MiB with the files before it: expected less of all together";
}

/// Where a key of a map stands, and its value; nothing when it has none.
std::optional<std::pair<YAML::Node, YAML::Node>> entry_of(const YAML::Node& map, const YAML::Node& key) {
  for (const auto& entry : map) {
    if (key.IsScalar() && entry.first.IsScalar() && entry.first.Scalar() == key.Scalar())
      return std::pair{entry.first, entry.second};
  }
  return std::nullopt;
}

/// Adds the keys of a later file.
void add_to(YAML::Node& whole, const YAML::Node& document, Report& report) {
  if (document.IsNull() || !whole.IsMap()) return;  // what is no map is an error of the reader
  if (!document.IsMap()) {
    report.add(document.Mark(), "", "expected keys and values");
    return;
  }
  std::vector<std::pair<YAML::Node, YAML::Node>> fresh;
  for (const auto& entry : document) {
    const auto& [key, value] = static_cast<const std::pair<YAML::Node, YAML::Node>&>(entry);
    auto before = entry_of(whole, key);
    if (!before) {
      fresh.emplace_back(key, value);
    } else if (before->second.IsSequence() && value.IsSequence()) {
      for (const auto& element : value) before->second.push_back(element);
    } else {
      report.add(key.Mark(), key.Scalar(),
                 std::format("stands in {} already: {}", report.place(before->first.Mark()),
                             before->second.IsSequence() ? "expected a list here too, which goes on" : "take one out"));
    }
  }
  for (auto& [key, value] : fresh) whole.force_insert(key, value);
}

}  // namespace

std::string in_words(const std::string& problem, std::string_view line) {
  const auto says = [&](const char* words) { return problem.contains(words); };
  if (says("illegal map value") || says("illegal map key"))
    return "a key here or just above has no ': ' behind it, or a value holds one: write 'key: value', quotes around "
           "the value";
  if (says("end of sequence flow")) return "a '[' just above is not closed";
  if (says("end of map flow")) return "a '{' just above is not closed";
  if ((says("end of sequence") || says("end of map")) && !line.substr(0, line.find('#')).contains(':'))
    return "this line has no ': ' behind a key: write 'key: value'";
  if (says("end of sequence") || says("end of map"))
    return "this line, or the one above, is indented otherwise than its neighbours, or lacks the '- ' of its list";
  return problem;
}

YAML::Node joined(const std::vector<TextFile>& files, Report& report) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    bytes += files[i].text.size();
    if (bytes > text_bytes_max) report.add_whole(too_long(i), i);
    if (i == files_max) report.add_whole(std::format("is one file more than the {} that are taken", files_max), i);
    if (!report.empty()) return {};
  }
  YAML::Node whole;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto text = std::string(static_cast<std::size_t>(report.lines_before(i)), '\n') + files[i].text;
    expect_plain_yaml(text, report);
    if (!report.empty()) continue;
    const auto document = YAML::Load(text);
    if (i == 0 || (whole.IsNull() && !document.IsNull()))
      whole.reset(document);
    else
      add_to(whole, document, report);
  }
  return whole;
}

}  // namespace cloister::config
