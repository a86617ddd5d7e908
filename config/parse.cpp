#include "config/parse.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config/read_model.hpp"
#include "config/section.hpp"

namespace cloister::config {
namespace {

constexpr std::size_t text_bytes_max = std::size_t{1} << 20U;
constexpr std::size_t depth_max = 32;

/// yaml-cpp reads nested collections by recursion: how deep a text can nest, at most, seen before it is parsed. Each opening bracket
/// and each list dash or deeper indentation of a line may be one level.
std::size_t depth_bound(std::string_view text) {
  std::size_t deepest = 0;
  std::size_t brackets = 0;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    const std::size_t indentation = std::min(line.find_first_not_of(' '), line.size());
    std::size_t dashes = 0;
    for (const char character : line.substr(indentation)) {
      if (character == '[' || character == '{') ++brackets;
      if ((character == ']' || character == '}') && brackets > 0) --brackets;
      if (character == '-' || character == '?' || character == ':') ++dashes;
      deepest = std::max(deepest, brackets + indentation + dashes / 2);
    }
    start = end + 1;
  }
  return deepest;
}

}  // namespace

std::expected<Configuration, Diagnostics> parse(std::string_view text, const std::string& file_name) {
  Report report{text, file_name};
  const auto whole = [&](const char* message) {
    report.add_whole(message);
    return std::unexpected{report.take_sorted()};
  };
  if (text.size() > text_bytes_max) return whole("is longer than 1 MiB: this is no configuration of Cloister");
  if (depth_bound(text) > 4 * depth_max) return whole("nests too deeply: this is no configuration of Cloister");
  try {
    const YAML::Node document = YAML::Load(std::string{text});
    Configuration configuration = read_model(report, document);
    if (!report.empty()) return std::unexpected{report.take_sorted()};
    return configuration;
  } catch (const YAML::Exception& error) {
    report.add(error.mark, "", "this is not YAML: " + error.msg);
    return std::unexpected{report.take_sorted()};
  }
}

std::expected<Configuration, Diagnostics> load(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::unexpected{Diagnostics{{path, 0, 0, "", "cannot be read: does it exist, and may this user read it", ""}}};
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.view(), path);
}

}  // namespace cloister::config
