#include "appliance/verify/measurements.hpp"

#include <boost/json.hpp>
#include <format>
#include <optional>

namespace cloister::verify {
namespace json = boost::json;
namespace {

constexpr std::size_t phases_max = 64;

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::optional{std::string{value->as_string()}} : std::nullopt;
}

std::optional<std::vector<Measurements::Phase>> phases_of(const json::object& object) {
  const auto* list = object.if_contains("pcr_11");
  if (list == nullptr || !list->is_array() || list->as_array().empty() || list->as_array().size() > phases_max)
    return std::nullopt;
  std::vector<Measurements::Phase> phases;
  for (const auto& element : list->as_array()) {
    if (!element.is_object()) return std::nullopt;
    auto name = text_of(element.as_object(), "phase");
    const auto digest = text_of(element.as_object(), "sha256").and_then(crypto::pcr_digest_from_hex);
    if (!name || !digest) return std::nullopt;
    phases.push_back({.name = std::move(*name), .pcr_11 = *digest});
  }
  return phases;
}

}  // namespace

Result<Measurements> parse_measurements(std::string_view text) {
  const auto refused = [](std::string_view why) {
    return fail(
        std::format("is no file of an image's measurements ({}): expected cloister.measurements.json, as 'make "
                    "image' writes it",
                    why));
  };
  if (text.size() > measurements_bytes_max) return refused("it is longer than 64 KiB");
  boost::system::error_code wrong;
  const auto document = json::parse(text, wrong);
  if (wrong || !document.is_object()) return refused("it is not JSON");
  const auto& object = document.as_object();
  auto version = text_of(object, "version");
  auto root_hash = text_of(object, "root_hash");
  auto certificate = text_of(object, "secure_boot_certificate");
  auto phases = phases_of(object);
  if (!version || !root_hash || !certificate || !phases)
    return refused(
        "'version', 'root_hash', 'secure_boot_certificate' or 'pcr_11' is missing, or not what it should be");
  return Measurements{.version = std::move(*version),
                      .root_hash = std::move(*root_hash),
                      .certificate = std::move(*certificate),
                      .phases = std::move(*phases)};
}

}  // namespace cloister::verify
