#pragma once
/// The kinds of value a configuration holds: how each is read, shown again, and described to who got it wrong.

#include <algorithm>
#include <cstdint>
#include <format>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/model.hpp"
#include "config/setting.hpp"

namespace cloister::config {

template <class T>
struct Kind {
  std::function<std::optional<T>(const std::string&)> parse;
  std::function<std::string(const T&)> show;  // parse(show(value)) is the value
  std::string expected;                       // completes "'x' is not …"
  Shape shape = Shape::text;
  std::vector<std::string> choices = {};
  std::string pattern = "";
  std::string least = "", most = "";                                            // of those that `within` has bounded
  std::function<bool(const std::string&)> reads = [](auto&) { return false; };  // it is one but for its bounds

  [[nodiscard]] Form form() const { return {expected, shape, choices, pattern, least, most}; }
  /// Why `text`, which `parse` does not take, is none.
  [[nodiscard]] std::string refuse(const std::string& text) const {
    return reads(text) ? std::format("'{}' is out of range: expected one from {} to {}", shown(text), least, most)
                       : std::format("'{}' is not {}", shown(text), expected);
  }
};

[[nodiscard]] Kind<std::string> a_text(std::string what);
/// Absolute, as a service has no directory of its own to start from.
[[nodiscard]] const Kind<std::string>& a_path();
[[nodiscard]] const Kind<std::string>& a_sealed_psk();
/// 1 to 63 letters, digits and hyphens.
[[nodiscard]] const Kind<std::string>& a_name();
/// What Linux takes as the name of a network interface, of `a_name`'s characters.
[[nodiscard]] const Kind<std::string>& an_interface_name();
/// An absolute path that fits a Unix socket's address.
[[nodiscard]] const Kind<std::string>& a_socket_path();
/// 64 hexadecimal digits, of either case; lower case once read.
[[nodiscard]] const Kind<std::string>& a_sha256();
/// The same, of a public key.
[[nodiscard]] const Kind<std::string>& a_fingerprint();
[[nodiscard]] const Kind<Endpoint>& an_endpoint();
[[nodiscard]] const Kind<milliseconds>& a_duration();
[[nodiscard]] const Kind<double>& a_number();
[[nodiscard]] const Kind<double>& a_fraction();
[[nodiscard]] const Kind<double>& a_frequency();
[[nodiscard]] const Kind<std::uint64_t>& a_count();
[[nodiscard]] const Kind<std::uint64_t>& a_size();
[[nodiscard]] const Kind<bool>& a_truth();

/// One of a few words; `what` as in "a role: expected 'alice' or 'bob'".
template <class T>
[[nodiscard]] Kind<T> one_of(const std::vector<std::pair<std::string, T>>& words, std::string what) {
  Kind<T> kind;
  for (const auto& [word, value] : words) kind.choices.push_back(word);
  kind.parse = [words](const std::string& text) -> std::optional<T> {
    const auto found = std::ranges::find(words, text, &std::pair<std::string, T>::first);
    return found == words.end() ? std::nullopt : std::optional<T>{found->second};
  };
  kind.show = [words](const T& value) {
    const auto found = std::ranges::find(words, value, &std::pair<std::string, T>::second);
    return found == words.end() ? std::string{} : found->first;
  };
  kind.expected = std::move(what);
  return kind;
}

/// A whole number that fits.
template <class Integer>
[[nodiscard]] Kind<Integer> a_whole(const std::string& what) {
  return {.parse = [](const std::string& text) -> std::optional<Integer> {
            const auto count = a_count().parse(text);
            if (!count || *count > std::numeric_limits<Integer>::max()) return std::nullopt;
            return static_cast<Integer>(*count);
          },
          .show = [](const Integer& value) { return std::format("{}", value); },
          .expected = what,
          .shape = Shape::whole};
}

/// The same kind, from `least` to `most`.
template <class T>
[[nodiscard]] Kind<T> within(Kind<T> kind, T least, T most) {
  kind.least = kind.show(least);
  kind.most = kind.show(most);
  kind.expected += std::format(", from {} to {}", kind.least, kind.most);
  kind.reads = [parse = kind.parse](const std::string& text) { return parse(text).has_value(); };
  kind.parse = [parse = std::move(kind.parse), least, most](const std::string& text) {
    auto value = parse(text);
    return value && (*value < least || *value > most) ? std::optional<T>{} : value;
  };
  return kind;
}

}  // namespace cloister::config
