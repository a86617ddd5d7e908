#include "config/units.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cmath>
#include <format>
#include <span>
#include <utility>

#include "config/diagnostic.hpp"

namespace cloister::config {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

/// A number and one of the units, a space between them or none.
std::optional<double> with_unit(std::string_view text, std::span<const Unit> units) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  std::string_view unit{rest, text.data() + text.size()};
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, factor] : units) {
    if (unit == name) return value * factor;
  }
  return std::nullopt;
}

/// A whole number that a double holds exactly.
std::optional<std::uint64_t> whole(std::optional<double> value) {
  constexpr double exact_max = 9007199254740992.0;
  if (!value || *value < 0 || *value > exact_max || *value != std::floor(*value)) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

template <class Integer>
std::optional<Integer> integer(std::string_view text) {
  Integer value{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::pair<Family, std::array<std::uint8_t, 16>>> parse_address(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return std::pair{Family::v4, bytes};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return std::pair{Family::v6, bytes};
  return std::nullopt;
}

/// Clears the bits behind the length.
std::array<std::uint8_t, 16> masked(std::array<std::uint8_t, 16> bytes, unsigned length) {
  for (unsigned i = 0; i < bytes.size(); ++i) {
    const unsigned kept = length > 8 * i ? std::min(8U, length - 8 * i) : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xFF00U >> kept));
  }
  return bytes;
}

constexpr std::array duration_units{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3'600'000}};
constexpr std::array size_units{Unit{"B", 1}, Unit{"KiB", 1024}, Unit{"MiB", 1048576}, Unit{"GiB", 1073741824}};
constexpr std::array frequency_units{Unit{"Hz", 1}, Unit{"kHz", 1e3}, Unit{"MHz", 1e6}, Unit{"GHz", 1e9}};

/// In the largest unit of which it is a whole number; `space` stands between the two.
std::string in_largest_unit(double value, std::span<const Unit> units, std::string_view space) {
  const Unit* best = &units.front();
  for (const auto& unit : units) {
    if (value != 0 && std::fmod(value, unit.factor) == 0) best = &unit;
  }
  return std::format("{}{}{}", show_number(value / best->factor), space, best->name);
}

}  // namespace

std::string Endpoint::to_string() const {
  return family == Family::v4 ? std::format("{}:{}", address, port) : std::format("[{}]:{}", address, port);
}

std::string Prefix::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return std::format("{}/{}", text.data(), length);
}

bool Prefix::overlaps(const Prefix& other) const {
  if (family != other.family) return false;
  const unsigned common = std::min(length, other.length);
  return masked(bytes, common) == masked(other.bytes, common);
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> parse_fraction(std::string_view text) {
  static constexpr std::array one{Unit{"", 1}};
  static constexpr std::array percent{Unit{"%", 1}};
  if (const auto hundredths = with_unit(text, percent)) return *hundredths / 100;
  return with_unit(text, one);
}

std::optional<std::uint64_t> parse_count(std::string_view text) { return whole(parse_number(text)); }

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto value = whole(with_unit(text, duration_units));
  if (!value) return std::nullopt;
  return milliseconds{*value};
}

std::optional<std::uint64_t> parse_size(std::string_view text) { return whole(with_unit(text, size_units)); }

std::optional<double> parse_frequency(std::string_view text) { return with_unit(text, frequency_units); }

bool is_numeric_address(const std::string& text) { return parse_address(text).has_value(); }

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = integer<std::uint16_t>(text.substr(colon + 1));
  std::string host{text.substr(0, colon)};
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  if (!port || *port == 0 || !address || bracketed != (address->first == Family::v6)) return std::nullopt;
  return Endpoint{host, *port, address->first};
}

std::expected<Prefix, std::string> parse_prefix(std::string_view text) {
  const auto refused = [&](std::string why) {
    return std::unexpected{std::format("'{}' is not a prefix: {}", shown(text), why)};
  };
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return refused("expected address/length, as 192.0.2.0/24");
  const auto address = parse_address(std::string{text.substr(0, slash)});
  if (!address) return refused("its address is none (names are not looked up): expected one as 192.0.2.0/24");
  const unsigned longest = address->first == Family::v4 ? 32 : 128;
  const auto length = integer<unsigned>(text.substr(slash + 1));
  if (!length || *length > longest) return refused(std::format("length must be a number from 0 to {}", longest));
  Prefix prefix{address->first, masked(address->second, *length), *length};
  if (prefix.bytes != address->second)
    return refused(std::format("bits behind its length are set, '{}' is meant perhaps", prefix.to_string()));
  return prefix;
}

std::string show_number(const double& value) { return std::format("{}", value); }

std::string show_duration(const milliseconds& value) {
  return in_largest_unit(static_cast<double>(value.count()), duration_units, "");
}

std::string show_size(const std::uint64_t& bytes) {
  return in_largest_unit(static_cast<double>(bytes), size_units, " ");
}

std::string show_frequency(const double& hertz) { return in_largest_unit(hertz, frequency_units, " "); }

}  // namespace cloister::config
