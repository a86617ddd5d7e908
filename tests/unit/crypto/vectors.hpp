#pragma once
/// Wycheproof's files: groups of tests, bytes as hexadecimal text.

#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace cloister::test {

inline std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const auto byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4U];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

struct Vector {
  const boost::json::object& group;
  const boost::json::object& test;
  [[nodiscard]] std::vector<std::byte> bytes(std::string_view name) const {
    return from_hex(std::string_view{test.at(name).as_string()});
  }
  [[nodiscard]] std::string text(std::string_view name) const { return std::string{test.at(name).as_string()}; }
  [[nodiscard]] bool valid() const { return test.at("result").as_string() == "valid"; }
  [[nodiscard]] std::int64_t number() const { return test.at("tcId").as_int64(); }
};

/// Calls `check` for each test of the groups that `applies` names; returns how many there were.
inline std::size_t for_each_vector(const std::string& file,
                                   const std::function<bool(const boost::json::object&)>& applies,
                                   const std::function<void(const Vector&)>& check) {
  std::ifstream in{std::string{CLOISTER_VECTORS} + "/" + file};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto document = boost::json::parse(text);
  std::size_t count = 0;
  for (const auto& group : document.at("testGroups").as_array()) {
    if (!applies(group.as_object())) continue;
    for (const auto& test : group.at("tests").as_array()) {
      check({group.as_object(), test.as_object()});
      ++count;
    }
  }
  return count;
}

}  // namespace cloister::test
