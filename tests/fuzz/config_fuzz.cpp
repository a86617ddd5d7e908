// A configuration file, and a link's: any text is one, or errors with a place inside the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

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
  const auto configuration = config::parse(text, "fuzz.yaml");
  if (!configuration) {
    expect_reasons(configuration.error(), text);
    return 0;
  }
  require(!configuration->box.name.empty() && !configuration->links.empty(), "what was taken is whole");
  require(!config::to_yaml(config::parse_settings(text, "fuzz.yaml").value()).empty(), "what was taken can be shown");
  return 0;
}
