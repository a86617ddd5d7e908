#include "config/units.hpp"

#include <arpa/inet.h>

#include <algorithm>
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

std::string with_length(Family family, const std::array<std::uint8_t, 16>& bytes, unsigned length) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return std::format("{}/{}", text.data(), length);
}

/// Of one host: neither any address nor a group's nor the machine's own (RFC 1122, section 3.2.1.3; RFC 4291, section
/// 2.7).
bool is_of_one_host(Family family, const std::array<std::uint8_t, 16>& bytes) {
  if (std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) return false;
  if (family == Family::v4) return bytes[0] < 224 && bytes[0] != 127;
  const bool loopback =
      bytes[15] == 1 && std::ranges::all_of(std::span{bytes}.first<15>(), [](auto byte) { return byte == 0; });
  return bytes[0] != 0xFF && !loopback;
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

/// An address with the length of its network; `example` is of what `what` names.
std::expected<InterfaceAddress, std::string> parse_with_length(std::string_view text, std::string_view what,
                                                               std::string_view example) {
  const auto refused = [&](const std::string& why) {
    return std::unexpected{std::format("'{}' is not {}: {}", shown(text), what, why)};
  };
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return refused(std::format("expected address/length, as {}", example));
  const auto address = parse_address(std::string{text.substr(0, slash)});
  if (!address)
    return refused(std::format("its address is none (names are not looked up): expected one as {}", example));
  const unsigned longest = address->first == Family::v4 ? 32 : 128;
  const auto length = integer<unsigned>(text.substr(slash + 1));
  if (!length || *length > longest) return refused(std::format("length must be a number from 0 to {}", longest));
  return InterfaceAddress{address->second, {address->first, masked(address->second, *length), *length}};
}

}  // namespace

std::string Endpoint::to_string() const {
  return family == Family::v4 ? std::format("{}:{}", address, port) : std::format("[{}]:{}", address, port);
}

std::string Prefix::to_string() const { return with_length(family, bytes, length); }

bool is_link_local(const Prefix& address) {
  const auto& bytes = address.bytes;
  if (address.family == Family::v4) return bytes[0] == 169 && bytes[1] == 254;
  return bytes[0] == 0xFE && (bytes[1] & 0xC0U) == 0x80;
}

std::string InterfaceAddress::to_string() const { return with_length(network.family, bytes, network.length); }

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
  const auto read = parse_with_length(text, "a prefix", "192.0.2.0/24");
  if (!read) return std::unexpected{read.error()};
  if (read->network.bytes != read->bytes)
    return std::unexpected{std::format("'{}' is not a prefix: bits behind its length are set, '{}' is meant perhaps",
                                       shown(text), read->network.to_string())};
  return read->network;
}

std::expected<InterfaceAddress, std::string> parse_interface_address(std::string_view text) {
  auto read = parse_with_length(text, "an interface's address", "10.255.0.1/30");
  if (read && !is_of_one_host(read->network.family, read->bytes))
    return std::unexpected{std::format("'{}' is no address of one box: expected one as 10.255.0.1/30", shown(text))};
  return read;
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
