#include "appliance/box/configured.hpp"

#include <utility>

#include "config/parse.hpp"

namespace cloister::box {
namespace {

std::string text_of(const config::Diagnostics& diagnostics) {
  std::string all;
  for (const auto& diagnostic : diagnostics) all += (all.empty() ? "" : "\n") + config::to_string(diagnostic);
  return all;
}

}  // namespace

Result<Configured> read_configuration(const std::string& file) {
  auto configuration = config::load(file);
  if (!configuration) return fail(text_of(configuration.error()));
  auto settings = config::load_settings(file);
  if (!settings) return fail(text_of(settings.error()));
  return Configured{.file = file, .configuration = std::move(*configuration), .settings = std::move(*settings)};
}

}  // namespace cloister::box
