#include "appliance/box/configured.hpp"

#include <span>
#include <utility>

#include "config/parse.hpp"
#include "config/show.hpp"
#include "crypto/digest.hpp"

namespace cloister::box {
namespace {

std::string text_of(const config::Diagnostics& diagnostics) {
  std::string all;
  for (const auto& diagnostic : diagnostics) all += (all.empty() ? "" : "\n") + config::to_string(diagnostic);
  return all;
}

}  // namespace

Result<Configured> read_configuration(const std::string& file) {
  auto read = config::load_whole(file);
  if (!read) return fail(text_of(read.error()));
  return Configured{
      .file = file, .configuration = std::move(read->configuration), .settings = std::move(read->settings)};
}

std::string digest_of(const config::Settings& settings) {
  const auto text = config::to_yaml(settings);
  return crypto::sha256_hex(std::as_bytes(std::span{text}));
}

}  // namespace cloister::box
