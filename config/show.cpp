#include "config/show.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <format>
#include <map>
#include <string_view>

namespace cloister::config {
namespace {

/// One value, or [a, b], quoted where YAML asks for it.
std::string value_text(const Setting& setting) {
  YAML::Emitter out;
  if (setting.list) {
    out << YAML::Flow << setting.values;
  } else {
    out << setting.values.front();
  }
  return out.c_str();
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (true) {
    const auto dot = path.find('.');
    segments.push_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return segments;
    path.remove_prefix(dot + 1);
  }
}

/// "links[0]" is the list "links" and true.
std::pair<std::string_view, bool> list_of(std::string_view segment) {
  const auto bracket = segment.find('[');
  return {segment.substr(0, bracket), bracket != std::string_view::npos};
}

/// Writes the headings that lead from one setting's place to the next's, each list element's first line with its dash.
class YamlLines {
 public:
  void add(const Setting& setting) {
    const auto segments = segments_of(setting.path);
    std::size_t common = 0;
    while (common + 1 < segments.size() && common + 1 < before_.size() && segments[common] == before_[common]) ++common;
    for (std::size_t i = common; i + 1 < segments.size(); ++i) open(segments, i);
    line(segments, segments.size() - 1,
         std::format("{}: {}", segments.back(), value_text(setting)) + (setting.given ? "" : "  # default"));
    before_ = segments;
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void open(const std::vector<std::string_view>& segments, std::size_t depth) {
    const auto [name, is_list] = list_of(segments[depth]);
    const bool continues = is_list && depth < before_.size() && list_of(before_[depth]).first == name;
    if (depth == 0 && !text_.empty() && !continues) text_ += '\n';
    if (!continues) line(segments, depth, std::format("{}:", name));
    dash_ = is_list;
  }

  void line(const std::vector<std::string_view>& segments, std::size_t depth, const std::string& what) {
    std::size_t indent = 2 * depth;
    for (std::size_t i = 0; i < depth; ++i) indent += list_of(segments[i]).second ? 2UZ : 0UZ;
    std::string margin(indent, ' ');
    if (dash_) margin.replace(indent - 2, 2, "- ");
    dash_ = false;
    text_ += margin + what + "\n";
  }

  std::string text_;
  std::vector<std::string_view> before_;
  bool dash_ = false;
};

/// "links[0].device.role" as "links[geneva-paris].device.role", so that the order of links means nothing.
std::map<std::string, std::string> by_name(const Settings& settings, std::vector<std::string>& order) {
  std::map<std::string, std::string> names;
  for (const auto& setting : settings) {
    if (setting.path.ends_with("].name"))
      names[setting.path.substr(0, setting.path.size() - 5)] = setting.values.front();
  }
  std::map<std::string, std::string> values;
  for (const auto& setting : settings) {
    std::string path = setting.path;
    if (const auto end = path.find(']'); end != std::string::npos) {
      if (const auto name = names.find(path.substr(0, end + 1)); name != names.end()) {
        const auto begin = path.find('[');
        path.replace(begin + 1, end - begin - 1, name->second);
      }
    }
    values[path] = value_text(setting);
    if (std::ranges::find(order, path) == order.end()) order.push_back(path);
  }
  return values;
}

}  // namespace

std::string to_yaml(const Settings& settings) {
  YamlLines lines;
  for (const auto& setting : settings) lines.add(setting);
  return lines.take();
}

std::vector<Difference> differences(const Settings& before, const Settings& after) {
  std::vector<std::string> order;
  const auto one = by_name(before, order);
  const auto other = by_name(after, order);
  const auto value_in = [](const std::map<std::string, std::string>& values, const std::string& path) {
    const auto found = values.find(path);
    return found == values.end() ? std::string{} : found->second;
  };
  std::vector<Difference> found;
  for (const auto& path : order) {
    Difference difference{path, value_in(one, path), value_in(other, path)};
    if (difference.before != difference.after) found.push_back(std::move(difference));
  }
  return found;
}

}  // namespace cloister::config
