#include "config/schema.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <format>
#include <string_view>

#include "config/meanings.hpp"

namespace cloister::config {
namespace {

namespace json = boost::json;

json::value number_of(const std::string& text) {
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, whole).ptr == end) return whole;
  double number = 0;
  std::from_chars(text.data(), end, number);
  return number;
}

bool is_number(const Setting& setting) {
  const auto shape = setting.form.shape;
  return shape == Shape::number || shape == Shape::whole || shape == Shape::number_or_text;
}

/// A default as JSON: a number where the schema takes one.
json::value default_of(const Setting& setting, const std::string& text) {
  if (setting.form.shape == Shape::truth) return text == "true";
  if (is_number(setting)) return number_of(text);
  return json::string{text};
}

json::value type_of(Shape shape) {
  switch (shape) {
    case Shape::number:
      return "number";
    case Shape::whole:
      return "integer";
    case Shape::truth:
      return "boolean";
    case Shape::number_or_text:
      return json::array{"number", "string"};
    case Shape::text:
    case Shape::section:
      break;
  }
  return "string";
}

json::object value_schema(const Setting& setting) {
  json::object value;
  if (!setting.form.choices.empty() && setting.form.shape == Shape::text)
    value["enum"] = json::array(setting.form.choices.begin(), setting.form.choices.end());
  else
    value["type"] = type_of(setting.form.shape);
  if (!setting.form.pattern.empty()) value["pattern"] = setting.form.pattern;
  // JSON compares numbers only: a bound of what has a unit is in the description.
  if (is_number(setting) && !setting.form.least.empty()) {
    value["minimum"] = number_of(setting.form.least);
    value["maximum"] = number_of(setting.form.most);
  }
  return value;
}

json::object setting_schema(const Setting& setting) {
  json::object schema = value_schema(setting);
  if (setting.list) schema = {{"type", "array"}, {"items", schema}};
  if (setting.list && setting.fallback == Default::none) schema["minItems"] = 1;
  schema["description"] = std::format("{} ({})", meaning_of(setting.path), setting.form.expected);
  if (setting.fallback == Default::fixed && !setting.values.empty()) {
    json::array values;
    for (const auto& text : setting.values) values.push_back(default_of(setting, text));
    schema["default"] = setting.list ? json::value{values} : values.front();
  }
  return schema;
}

json::object empty_map() {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", json::object{}}};
}

void require_key(json::object& map, std::string_view key) {
  if (!map.contains("required")) map["required"] = json::array{};
  auto& required = map["required"].as_array();
  if (std::ranges::find(required, json::value(key)) == required.end()) required.emplace_back(key);
}

void need_not_have(json::object& map, std::string_view key) {
  if (!map.contains("required")) return;
  auto& required = map["required"].as_array();
  const auto* found = std::ranges::find(required, json::value(key));
  if (found != required.end()) required.erase(found);
}

/// Puts a setting where its path says, making the maps on the way; a map that holds something required is required.
void place(json::object& map, std::string_view path, const Setting& setting) {
  const auto dot = path.find('.');
  const std::string_view key = path.substr(0, path.find_first_of(".["));
  const bool in_list = path.substr(0, dot).ends_with(']');
  if (setting.fallback == Default::none && !in_list) require_key(map, key);
  auto& properties = map["properties"].as_object();
  if (setting.form.shape == Shape::section && dot == std::string_view::npos) {
    properties[key] = {{"type", "array"}, {"items", empty_map()}};
    return;
  }
  if (dot == std::string_view::npos) {
    auto schema = setting_schema(setting);
    if (properties.contains(key)) {  // by keys that may stand in its place
      schema = {{"anyOf", json::array{schema, properties[key]}}};
      if (setting.fallback != Default::none) need_not_have(map, key);
    }
    properties[key] = schema;
    return;
  }
  if (!properties.contains(key)) properties[key] = empty_map();
  auto& inner = properties[key].as_object();
  place(in_list ? inner["items"].as_object() : inner, path.substr(dot + 1), setting);
}

}  // namespace

std::string json_schema(const Settings& settings) {
  json::object schema = empty_map();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "Configuration of a Cloister box";
  for (const auto& setting : settings) place(schema, setting.path, setting);
  return json::serialize(schema);
}

}  // namespace cloister::config
