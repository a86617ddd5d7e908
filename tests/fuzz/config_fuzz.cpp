// A configuration, of one file or more (form feeds part them), and a link's file: any text is one, or errors with a
// place inside the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "config/link_model.hpp"
#include "config/parse.hpp"
#include "config/show.hpp"
#include "crypto/error.hpp"

namespace {

using namespace cloister;

void expect_reasons(const config::Diagnostics& diagnostics, std::string_view text) {
  const auto lines = std::ranges::count(text, '\n') + 2;
  require(!diagnostics.empty(), "a refusal has a reason");
  for (const auto& diagnostic : diagnostics) {
    require(!diagnostic.message.empty() && diagnostic.line >= 0 && diagnostic.line <= lines,
            "an error has a text and a place");
    static_cast<void>(config::to_string(diagnostic));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto link = config::parse_link_model(text, "fuzz.yaml");
  if (!link) expect_reasons(link.error(), text);
  std::vector<config::TextFile> files;
  for (const auto part : std::views::split(text, '\f'))
    files.push_back({"fuzz.yaml", std::string{std::string_view{part}}});
  if (files.empty()) files.push_back({"fuzz.yaml", ""});
  const auto configuration = config::parse(files);
  if (!configuration) {
    expect_reasons(configuration.error(), text);
    return 0;
  }
  require(!configuration->box.name.empty() && !configuration->links.empty(), "what was taken is whole");
  require(!config::to_yaml(config::parse_settings(files).value()).empty(), "what was taken can be shown");
  return 0;
}
