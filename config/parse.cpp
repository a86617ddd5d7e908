#include "config/parse.hpp"

#include <fstream>
#include <sstream>

#include "config/plain_yaml.hpp"
#include "config/read_model.hpp"
#include "config/section.hpp"

namespace cloister::config {
namespace {

constexpr std::size_t text_bytes_max = std::size_t{1} << 20U;

}  // namespace

std::expected<Configuration, Diagnostics> parse(std::string_view text, const std::string& file_name) {
  Report report{text, file_name};
  const auto whole = [&](const char* message) {
    report.add_whole(message);
    return std::unexpected{report.take_sorted()};
  };
  if (text.size() > text_bytes_max) return whole("is longer than 1 MiB: this is no configuration of Cloister");
  try {
    expect_plain_yaml(text, report);
    if (!report.empty()) return std::unexpected{report.take_sorted()};
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
  if (!file)
    return std::unexpected{
        Diagnostics{{path, 0, 0, "", "cannot be read: does it exist, and may this user read it", ""}}};
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.view(), path);
}

}  // namespace cloister::config
