#include "appliance/control/protocol.hpp"

#include <boost/json.hpp>
#include <format>

namespace cloister::control {
namespace json = boost::json;
namespace {

void indent_into(std::string& out, const json::value& value, std::size_t depth) {
  const auto new_line = [&](std::size_t levels) { out.append("\n").append(2 * levels, ' '); };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : *object) {
      if (!std::exchange(first, false)) out += ',';
      new_line(depth + 1);
      out += json::serialize(key) + ": ";
      indent_into(out, member, depth + 1);
    }
    new_line(depth);
    out += '}';
    return;
  }
  if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    bool first = true;
    for (const auto& element : *array) {
      if (!std::exchange(first, false)) out += ',';
      new_line(depth + 1);
      indent_into(out, element, depth + 1);
    }
    new_line(depth);
    out += ']';
    return;
  }
  out += json::serialize(value);
}

std::string name_of(Request request) {
  switch (request) {
    case Request::status:
      return "status";
    case Request::zeroize:
      return "zeroize";
    case Request::factory_reset:
      return "factory-reset";
    case Request::rekey:
      return "rekey";
    case Request::bootstrap:
      return "bootstrap";
    case Request::acknowledge:
      return "acknowledge";
    case Request::images_retired:
      return "images-retired";
    case Request::selftest:
      return "selftest";
    case Request::reload:
      return "reload";
  }
  return {};
}

std::unexpected<Failure> failed(std::string message) {
  return std::unexpected{Failure{Failure::Kind::failed, std::move(message)}};
}

/// An answer that is no error.
std::expected<json::object, Failure> decode_answer(std::string_view line) {
  boost::system::error_code error;
  json::value value = json::parse(line, error);
  if (error || !value.is_object()) return failed("the service's answer is not JSON");
  const auto& answer = value.get_object();
  if (const auto* lacks = answer.if_contains("lacks"); lacks != nullptr && lacks->is_string()) {
    for (const auto right : {Right::view, Right::own}) {
      if (lacks->get_string() == name_of(right))
        return std::unexpected{Failure{Failure::Kind::right_lacking, refusal(right)}};
    }
    return std::unexpected{Failure{Failure::Kind::right_lacking, refusal(Right::operate)}};
  }
  if (const auto* text = answer.if_contains("error"); text != nullptr && text->is_string())
    return failed(std::string{text->get_string()});
  return std::move(value.get_object());
}

/// What an answer holds under a name.
template <class T>
std::expected<T, Failure> decode_member(std::string_view line, std::string_view name) {
  const auto answer = decode_answer(line);
  if (!answer) return std::unexpected{answer.error()};
  const auto* member = answer->if_contains(name);
  if (member == nullptr) return failed(std::format("the service's answer holds no {}", name));
  auto decoded = json::try_value_to<T>(*member);
  if (!decoded)
    return failed("the service's answer is of another version: are cloisterd and cloisterctl of one release?");
  return std::move(*decoded);
}

}  // namespace

Right right_for(Request request) {
  if (request == Request::factory_reset) return Right::own;  // of the box, not of its service alone
  return request == Request::status ? Right::view : Right::operate;
}

std::string encode_request(const Question& question) {
  json::object request{{"request", name_of(question.request)}};
  if (!question.name.empty()) request["name"] = question.name;
  if (!question.subject.empty()) request["subject"] = question.subject;
  return json::serialize(request) + "\n";
}

std::expected<Question, std::string> decode_request(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return std::unexpected{"the request is not a JSON object on one line"};
  const auto text_of = [&](const char* key) -> std::optional<std::string> {
    const auto* member = value.get_object().if_contains(key);
    if (member == nullptr || !member->is_string()) return std::nullopt;
    return std::string{member->get_string()};
  };
  const auto wanted = text_of("request");
  if (!wanted) return std::unexpected{"the request lacks the text 'request'"};
  std::string known;
  for (const auto request :
       {Request::status, Request::zeroize, Request::factory_reset, Request::rekey, Request::bootstrap,
        Request::acknowledge, Request::images_retired, Request::selftest, Request::reload}) {
    if (*wanted == name_of(request))
      return Question{request, text_of("name").value_or(""), text_of("subject").value_or("")};
    known += (known.empty() ? "'" : ", '") + name_of(request) + "'";
  }
  return std::unexpected{std::format("unknown request '{}': expected one of {}", wanted->substr(0, 64), known)};
}

std::string encode_answer(const BoxStatus& status) {
  return json::serialize(json::object{{"ok", true}, {"status", json::value_from(status)}}) + "\n";
}

std::string encode_tests(const std::vector<TestResult>& tests) {
  return json::serialize(json::object{{"ok", true}, {"tests", json::value_from(tests)}}) + "\n";
}

std::string encode_changes(const std::vector<ConfigurationChange>& changes) {
  return json::serialize(json::object{{"ok", true}, {"changes", json::value_from(changes)}}) + "\n";
}

std::string encode_done() { return json::serialize(json::object{{"ok", true}}) + "\n"; }

std::string encode_error(std::string_view text) {
  return json::serialize(json::object{{"ok", false}, {"error", text}}) + "\n";
}

std::string encode_lacking(Right lacking) {
  return json::serialize(json::object{{"ok", false},
                                      {"error", std::format("the right to {} is lacking", name_of(lacking))},
                                      {"lacks", name_of(lacking)}}) +
         "\n";
}

std::expected<BoxStatus, Failure> decode_status(std::string_view line) {
  return decode_member<BoxStatus>(line, "status");
}

std::expected<std::vector<TestResult>, Failure> decode_tests(std::string_view line) {
  return decode_member<std::vector<TestResult>>(line, "tests");
}

std::expected<std::vector<ConfigurationChange>, Failure> decode_changes(std::string_view line) {
  return decode_member<std::vector<ConfigurationChange>>(line, "changes");
}

std::expected<void, Failure> decode_done(std::string_view line) {
  const auto answer = decode_answer(line);
  if (!answer) return std::unexpected{answer.error()};
  const auto* ok = answer->if_contains("ok");
  if (ok == nullptr || !ok->is_bool() || !ok->get_bool())
    return failed("the service's answer does not say that it is done");
  return {};
}

std::string json_line(const BoxStatus& status) { return json::serialize(json::value_from(status)) + "\n"; }

std::string pretty_json(const BoxStatus& status) {
  std::string out;
  indent_into(out, json::value_from(status), 0);
  return out + "\n";
}

}  // namespace cloister::control
