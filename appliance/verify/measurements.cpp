#include "appliance/verify/measurements.hpp"

#include <boost/json.hpp>
#include <format>
#include <optional>

namespace cloister::verify {
namespace json = boost::json;
namespace {

constexpr std::size_t entries_max = 64;

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::optional{std::string{value->as_string()}} : std::nullopt;
}

struct Entry {
  std::string name;
  crypto::PcrDigest digest;
};

/// A list that is not empty, of objects with a name and a digest.
std::optional<std::vector<Entry>> entries_of(const json::object& object, std::string_view list_name,
                                             std::string_view name) {
  const auto* list = object.if_contains(list_name);
  if (list == nullptr || !list->is_array() || list->as_array().empty() || list->as_array().size() > entries_max)
    return std::nullopt;
  std::vector<Entry> entries;
  for (const auto& element : list->as_array()) {
    if (!element.is_object()) return std::nullopt;
    auto text = text_of(element.as_object(), name);
    const auto digest = text_of(element.as_object(), "sha256").and_then(crypto::pcr_digest_from_hex);
    if (!text || !digest) return std::nullopt;
    entries.push_back({.name = std::move(*text), .digest = *digest});
  }
  return entries;
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
  const auto certificate = text_of(object, "secure_boot_certificate").and_then(crypto::pcr_digest_from_hex);
  const auto programs = entries_of(object, "programs", "name");
  auto phases = entries_of(object, "pcr_11", "phase");
  if (!version || !root_hash || !certificate || !programs || !phases)
    return refused(
        "'version', 'root_hash', 'secure_boot_certificate', 'programs' or 'pcr_11' is missing, or not what it should "
        "be");
  Measurements image{.version = std::move(*version),
                     .root_hash = std::move(*root_hash),
                     .certificate = *certificate,
                     .programs = {},
                     .phases = {}};
  for (const auto& program : *programs) image.programs.push_back(program.digest);
  for (auto& phase : *phases) image.phases.push_back({.name = std::move(phase.name), .pcr_11 = phase.digest});
  return image;
}

}  // namespace cloister::verify
