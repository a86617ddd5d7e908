#include "appliance/distill/account_json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <format>
#include <vector>

namespace cloister::distill {
namespace json = boost::json;
namespace {

/// Above it a double skips whole numbers.
constexpr double whole_max = 0x1p53;

/// Goes down an observation's members; the first problem stays, and what is read after it does not count.
class ObservationReader {
 public:
  explicit ObservationReader(const json::object& object) : object_{object} {}

  Bound bound() {
    const auto* text = member(object_, "bound");
    if (text == nullptr) return {};
    const auto bound = text->is_string() ? bound_named(text->get_string()) : std::nullopt;
    if (!bound) refuse("bound", "expected \"lim2014\", \"rusca2018\" or \"wiesemann2024\"");
    return bound.value_or(Bound{});
  }
  BasisCounts basis(const char* name, std::size_t count) {
    BasisCounts counts;
    const auto* value = member(object_, name);
    if (value == nullptr) return counts;
    if (!value->is_object()) {
      refuse(name, "expected an object with n and m");
      return counts;
    }
    for (const auto& [key, out] : {std::pair{"n", &counts.n}, std::pair{"m", &counts.m}}) {
      const std::string path = std::format("{}.{}", name, key);
      const auto* list = member(value->get_object(), key, path);
      if (list == nullptr) continue;
      const auto numbers = this->numbers(*list, path, count);
      for (std::size_t k = 0; k < numbers.size(); ++k) (*out)[k] = whole(numbers[k], std::format("{}[{}]", path, k));
    }
    return counts;
  }
  PerIntensity per_intensity(const char* name, std::size_t count) {
    PerIntensity values{};
    if (const auto* list = member(object_, name)) std::ranges::copy(numbers(*list, name, count), values.begin());
    return values;
  }
  double number(const char* name) {
    const auto* value = member(object_, name);
    return value == nullptr ? 0 : number(*value, name);
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void refuse(std::string_view path, std::string_view expected) {
    if (problem_.empty()) problem_ = std::format("{}: {}", path, expected);
  }
  const json::value* member(const json::object& object, const char* name) { return member(object, name, name); }
  const json::value* member(const json::object& object, const char* name, const std::string& path) {
    const auto* value = object.if_contains(name);
    if (value == nullptr) refuse(path, "is missing");
    return value;
  }
  std::vector<double> numbers(const json::value& list, const std::string& path, std::size_t count) {
    if (!list.is_array() || list.get_array().size() != count) {
      refuse(path, std::format("expected a list of {} numbers, one for each intensity, the largest first", count));
      return {};
    }
    std::vector<double> all;
    for (const auto& value : list.get_array()) all.push_back(number(value, std::format("{}[{}]", path, all.size())));
    return all;
  }
  double number(const json::value& value, const std::string& path) {
    if (value.is_number()) {
      const double number = value.to_number<double>();
      if (std::isfinite(number)) return number;
    }
    refuse(path, "expected a number");
    return 0;
  }
  std::uint64_t whole(double number, const std::string& path) {
    if (number >= 0 && number <= whole_max && std::floor(number) == number) return static_cast<std::uint64_t>(number);
    refuse(path, std::format("is {}: expected a count, a whole number that is not negative", number));
    return 0;
  }

  const json::object& object_;
  std::string problem_;
};

template <class Value>
std::string list(const std::array<Value, intensities_max>& values, std::size_t count) {
  std::string out;
  for (std::size_t k = 0; k < count; ++k) {
    out += out.empty() ? "[" : ", ";
    if constexpr (std::is_floating_point_v<Value>)
      out += std::format("{:.17g}", values[k]);
    else
      out += std::format("{}", values[k]);
  }
  return out + "]";
}

std::string counts(const BasisCounts& basis, std::size_t count) {
  return std::format(R"({{"n": {}, "m": {}}})", list(basis.n, count), list(basis.m, count));
}

std::string members(const Observation& seen) {
  const std::size_t count = intensity_count(seen.bound);
  return std::format(
      R"("bound": "{}", "key": {}, "test": {}, "intensities": {}, "probabilities": {}, "eps_sec": {:.17g}, )"
      R"("eps_cor": {:.17g}, "leakage_bits": {:.17g})",
      to_string(seen.bound), counts(seen.key, count), counts(seen.test, count), list(seen.intensities, count),
      list(seen.probabilities, count), seen.eps_sec, seen.eps_cor, seen.leakage_bits);
}

std::string members(const Bounds& bounds) {
  const auto number = [](long double value) { return std::format("{:.17g}", static_cast<double>(value)); };
  return std::format(
      R"("length_bits": {}, "s_key_0": {}, "s_key_1": {}, "s_test_1": {}, "v_test_1": {}, "phase_error": {}, )"
      R"("penalty_bits": {})",
      bounds.length_bits, number(bounds.s_key_0), number(bounds.s_key_1), number(bounds.s_test_1),
      number(bounds.v_test_1), number(bounds.phase_error), number(bounds.penalty_bits));
}

}  // namespace

Result<Observation> read_observation(const json::value& value) {
  if (!value.is_object()) return fail("expected a JSON object");
  if (const auto* source = value.get_object().if_contains("source");
      source != nullptr && source->is_string() && std::string_view{source->get_string()} == external_source)
    return fail(
        "is of keys that others have made ('source' is 'external'): what they are worth is their word, and there is "
        "nothing "
        "to recompute");
  ObservationReader reader{value.get_object()};
  Observation seen;
  seen.bound = reader.bound();
  const std::size_t count = intensity_count(seen.bound);
  if (reader.problem().empty()) {  // without the bound nobody knows how many values are due
    seen.key = reader.basis("key", count);
    seen.test = reader.basis("test", count);
    seen.intensities = reader.per_intensity("intensities", count);
    seen.probabilities = reader.per_intensity("probabilities", count);
    seen.eps_sec = reader.number("eps_sec");
    seen.eps_cor = reader.number("eps_cor");
    seen.leakage_bits = reader.number("leakage_bits");
  }
  if (!reader.problem().empty()) return fail(reader.problem());
  if (auto sensible = check(seen); !sensible) return std::unexpected{sensible.error()};
  return seen;
}

std::string to_json(const Bounds& bounds) { return "{" + members(bounds) + "}"; }

std::string json_members(const Account& account) {
  if (const auto& external = account.external)
    return std::format(
        R"("block": {}, "source": "{}", "keys": {}, "key_bits": {}, "verification_bits": {}, "length_bits": {}, "eps_sec": null)",
        account.block, external_source, external->keys, external->key_bits, account.verification_bits,
        account.length_bits);
  const auto known = [](bool is, double value) { return is ? std::format("{:.17g}", value) : "null"; };
  const auto f = account.efficiency();
  return std::format(
      R"("block": {}, "detections": {}, {}, "parity_bits": {}, "verification_bits": {}, "error_pattern_bits": {}, {}, "qber": {}, )"
      R"("test_qber": {}, "efficiency": {})",
      account.block, account.detections, members(account.observation()), account.parity_bits, account.verification_bits,
      account.error_pattern_bits, members(static_cast<const Bounds&>(account)),
      known(account.key_errors_known, account.key_qber()), known(account.test.detections() > 0, account.test_qber()),
      known(f.has_value(), f.value_or(0)));
}

}  // namespace cloister::distill
