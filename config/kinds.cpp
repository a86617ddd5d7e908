#include "config/kinds.hpp"

#include <cmath>

#include "config/units.hpp"

namespace cloister::config {
namespace {

constexpr std::size_t name_max = 63;
constexpr std::size_t interface_max = 15;     // IFNAMSIZ less its end
constexpr std::size_t socket_path_max = 107;  // sockaddr_un
constexpr std::size_t sha256_digits = 64;

bool is_name(const std::string& text, std::size_t longest) {
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Kind<std::string> name_of_at_most(std::size_t longest, std::string expected) {
  return {.parse = [longest](
                       const std::string& text) { return is_name(text, longest) ? std::optional{text} : std::nullopt; },
          .show = std::identity{},
          .expected = std::move(expected),
          .pattern = std::format("^[A-Za-z0-9-]{{1,{}}}$", longest)};
}

}  // namespace

Kind<std::string> a_text(std::string what) {
  return {.parse = [](const std::string& text) { return std::optional{text}; },
          .show = std::identity{},
          .expected = std::move(what)};
}

const Kind<std::string>& a_name() {
  static const auto kind = name_of_at_most(name_max, "a name: expected 1 to 63 letters, digits and hyphens");
  return kind;
}

const Kind<std::string>& an_interface_name() {
  static const auto kind =
      name_of_at_most(interface_max, "an interface name: expected 1 to 15 letters, digits and hyphens");
  return kind;
}

const Kind<std::string>& a_path() {
  static const Kind<std::string> kind{
      .parse = [](const std::string& text) { return text.starts_with('/') ? std::optional{text} : std::nullopt; },
      .show = std::identity{},
      .expected = "a path: expected an absolute one, as /etc/cloister/paris.psk",
      .pattern = "^/"};
  return kind;
}

const Kind<std::string>& a_sealed_psk() {
  static const Kind<std::string> kind = [] {
    Kind<std::string> same = a_path();
    same.expected =
        "a path: expected an absolute one, as /etc/cloister/paris.psk, of a file that 'cloisterctl psk' has sealed, "
        "and "
        "never a key itself";
    return same;
  }();
  return kind;
}

const Kind<std::string>& a_socket_path() {
  static const Kind<std::string> kind{
      .parse =
          [](const std::string& text) {
            return text.starts_with('/') && text.size() <= socket_path_max ? std::optional{text} : std::nullopt;
          },
      .show = std::identity{},
      .expected = "a socket path: expected an absolute path of at most 107 characters",
      .pattern = "^/"};
  return kind;
}

const Kind<std::string>& a_sha256() {
  static const Kind<std::string> kind{
      .parse = [](const std::string& text) -> std::optional<std::string> {
        std::string lower;
        for (const char c : text) {
          if ((c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F')) return std::nullopt;
          lower += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        return lower.size() == sha256_digits ? std::optional{lower} : std::nullopt;
      },
      .show = std::identity{},
      .expected = "a SHA-256: expected 64 hexadecimal digits, as 'sha256sum' prints them",
      .pattern = "^[0-9A-Fa-f]{64}$"};
  return kind;
}

const Kind<std::string>& a_fingerprint() {
  static const Kind<std::string> kind = [] {
    Kind<std::string> same = a_sha256();
    same.expected = "a fingerprint: expected 64 hexadecimal digits, as 'cloisterctl fingerprint' prints them";
    return same;
  }();
  return kind;
}

const Kind<Endpoint>& an_endpoint() {
  static const Kind<Endpoint> kind{.parse = parse_endpoint,
                                   .show = [](const Endpoint& endpoint) { return endpoint.to_string(); },
                                   .expected =
                                       "an endpoint: expected address:port, as 203.0.113.1:4500 or [2001:db8::1]:4500, "
                                       "the port from 1 to 65535, and no "
                                       "host's name",
                                   .pattern = "^([0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"};
  return kind;
}

const Kind<milliseconds>& a_duration() {
  static const Kind<milliseconds> kind{
      .parse = parse_duration,
      .show = show_duration,
      .expected = "a duration: expected a number with ms, s, min or h, as 500ms, 10s, 2min, 1h",
      .pattern = "^[0-9].* ?(ms|s|min|h)$"};
  return kind;
}

const Kind<double>& a_number() {
  static const Kind<double> kind{.parse = parse_number,
                                 .show = show_number,
                                 .expected = "a number: expected one as 1e-10",
                                 .shape = Shape::number_or_text};
  return kind;
}

const Kind<double>& a_fraction() {
  static const Kind<double> kind{.parse = parse_fraction,
                                 .show = show_number,
                                 .expected = "a fraction: expected a number or a percentage, as 0.08 or 8 %",
                                 .shape = Shape::number_or_text};
  return kind;
}

const Kind<double>& a_frequency() {
  static const Kind<double> kind{.parse = parse_frequency,
                                 .show = show_frequency,
                                 .expected = "a frequency: expected a number with Hz, kHz, MHz or GHz, as 1 GHz",
                                 .pattern = "^[0-9].*Hz$"};
  return kind;
}

const Kind<std::uint64_t>& a_count() {
  static const Kind<std::uint64_t> kind{.parse = parse_count,
                                        .show = [](const std::uint64_t& value) { return std::format("{}", value); },
                                        .expected = "a whole number: expected one as 1000000",
                                        .shape = Shape::number_or_text};
  return kind;
}

const Kind<std::uint64_t>& a_size() {
  static const Kind<std::uint64_t> kind{.parse = parse_size,
                                        .show = show_size,
                                        .expected = "a size: expected a number with B, KiB, MiB or GiB, as 16 KiB",
                                        .pattern = "^[0-9].*B$"};
  return kind;
}

const Kind<bool>& a_truth() {
  static const Kind<bool> kind = [] {
    auto words = one_of<bool>({{"true", true}, {"false", false}}, "true or false");
    words.shape = Shape::truth;
    return words;
  }();
  return kind;
}

}  // namespace cloister::config
