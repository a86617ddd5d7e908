// A configuration file: any text is a configuration, or errors with a place inside the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/parse.hpp"
#include "config/show.hpp"
#include "crypto/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto configuration = config::parse(text, "fuzz.yaml");
  if (configuration) {
    require(!configuration->box.name.empty() && !configuration->links.empty(), "what was taken is whole");
    require(!config::to_yaml(config::parse_settings(text, "fuzz.yaml").value()).empty(), "what was taken can be shown");
    return 0;
  }
  const auto lines = std::ranges::count(text, '\n') + 2;
  require(!configuration.error().empty(), "a refusal has a reason");
  for (const auto& diagnostic : configuration.error()) {
    require(!diagnostic.message.empty() && diagnostic.line >= 0 && diagnostic.line <= lines,
            "an error has a text and a place");
    static_cast<void>(config::to_string(diagnostic));
  }
  return 0;
}
