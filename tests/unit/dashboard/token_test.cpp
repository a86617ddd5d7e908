// The word that opens the dashboard from elsewhere, and what has to be said before it does.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>

#include "appliance/dashboard/admission.hpp"

namespace cloister::dashboard {
namespace {
namespace http = boost::beast::http;
using Catch::Matchers::ContainsSubstring;

const std::string word = "0123456789abcdef0123456789ABCDEF-_";

Token token() { return Token::from(word).value(); }

http::request_header<> asked(std::string_view target, http::verb method = http::verb::get) {
  http::request_header<> request;
  request.method(method);
  request.target(target);
  request.set(http::field::host, "box.example:9748");
  return request;
}

http::request_header<> saying(std::string_view target, http::field field, std::string_view value) {
  auto request = asked(target);
  request.set(field, value);
  return request;
}

template <class What>
bool is(const std::expected<Route, Refusal>& admitted) {
  return admitted && std::holds_alternative<What>(*admitted);
}

TEST_CASE("A token is long enough to be beyond guessing, and of letters that travel anywhere", "[token]") {
  CHECK(Token::from(word)->word() == word);
  CHECK(Token::from("\n " + word + "\r\n")->word() == word);
  const auto short_one = Token::from(word.substr(0, 31));
  REQUIRE_FALSE(short_one);
  CHECK_THAT(short_one.error(), ContainsSubstring("31") && ContainsSubstring("openssl rand -hex 32"));
  for (const auto& text : {std::string{}, std::string{" \n"}, std::string(513, 'x'), word + ";", word + " " + word,
                           word + "+", word + std::string(1, '\0')})
    CHECK_FALSE(Token::from(text));
}

TEST_CASE("A token's file is named where it is of no use", "[token]") {
  const auto missing = Token::read("/nowhere/token");
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error(), ContainsSubstring("/nowhere/token") && ContainsSubstring("No such file"));
  const auto path = std::filesystem::temp_directory_path() / "cloister-token-test";
  std::ofstream{path} << word << '\n';
  CHECK(Token::read(path)->word() == word);
  std::ofstream{path} << "secret";
  CHECK_THAT(Token::read(path).error(), ContainsSubstring(path.string()));
  std::ofstream{path} << std::string(1'000'000, 'x');
  CHECK_FALSE(Token::read(path));
  std::filesystem::remove(path);
}

TEST_CASE("Without the token there is a page that asks for it, and nothing else", "[token]") {
  CHECK(is<LogIn>(admit_from_elsewhere(asked("/"), "", token())));
  CHECK(is<LogIn>(admit_from_elsewhere(asked("/login"), "", token())));
  CHECK(is<const Asset*>(admit_from_elsewhere(asked("/page.css"), "", token())));
  for (const auto* target : {"/metrics", "/live", "/page.js", "/plot.js", "/nothing", "", "*", "/?token=x"}) {
    CAPTURE(target);
    const auto admitted = admit_from_elsewhere(asked(target), "", token());
    if (std::string_view{target} == "/?token=x") {
      CHECK(is<LogIn>(admitted));  // a token in an address would stand in logs: it does not count
      continue;
    }
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().status == http::status::unauthorized);
  }
  CHECK(admit_from_elsewhere(asked("/metrics", http::verb::post), "token=" + word, token()).error().status ==
        http::status::unauthorized);
}

TEST_CASE("The token in a header or in the page's cookie opens what the loopback has", "[token]") {
  CHECK(
      is<Metrics>(admit_from_elsewhere(saying("/metrics", http::field::authorization, "Bearer " + word), "", token())));
  CHECK(
      is<Metrics>(admit_from_elsewhere(saying("/metrics", http::field::authorization, "bearer " + word), "", token())));
  CHECK(is<const Asset*>(
      admit_from_elsewhere(saying("/", http::field::cookie, "a=b; __Host-cloister=" + word + "; c=d"), "", token())));
  const auto cookie = cookie_of(token());
  CHECK(is<const Asset*>(
      admit_from_elsewhere(saying("/", http::field::cookie, cookie.substr(0, cookie.find(';'))), "", token())));
  for (const auto* attribute : {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"})
    CHECK_THAT(cookie, ContainsSubstring(attribute));
  CHECK(admit_from_elsewhere(saying("/nothing", http::field::authorization, "Bearer " + word), "", token())
            .error()
            .status == http::status::not_found);
}

TEST_CASE("What is nearly the token is none", "[token]") {
  const auto said = GENERATE_COPY(word.substr(1), word + "x", "x" + word, "", " ", word.substr(0, 33) + "x",
                                  std::string(word.size(), '\0'));
  CHECK_FALSE(
      is<Metrics>(admit_from_elsewhere(saying("/metrics", http::field::authorization, "Bearer " + said), "", token())));
  CHECK_FALSE(is<Metrics>(
      admit_from_elsewhere(saying("/metrics", http::field::cookie, "__Host-cloister=" + said), "", token())));
  const auto typed = admit_from_elsewhere(asked("/login", http::verb::post), "token=" + said, token());
  REQUIRE(is<LogIn>(typed));
  CHECK(std::get<LogIn>(*typed).wrong);
}

TEST_CASE("Basic authorization, a bare token and another cookie do not open", "[token]") {
  for (const auto& value : {"Basic " + word, word, std::string{"Bearer"}, std::string{"Bearer "}})
    CHECK_FALSE(is<Metrics>(admit_from_elsewhere(saying("/metrics", http::field::authorization, value), "", token())));
  for (const auto& value : {"cloister=" + word, "x__Host-cloister=" + word, std::string{";;;"}, std::string{"; "}})
    CHECK_FALSE(is<Metrics>(admit_from_elsewhere(saying("/metrics", http::field::cookie, value), "", token())));
}

TEST_CASE("Who types the token is let in; a foreign page's form is not", "[token]") {
  auto typed = asked("/login", http::verb::post);
  CHECK(is<LoggedIn>(admit_from_elsewhere(typed, "token=" + word, token())));
  CHECK(is<LoggedIn>(admit_from_elsewhere(typed, "token=+" + word + "++", token())));  // blanks were copied with it
  CHECK_FALSE(is<LoggedIn>(admit_from_elsewhere(typed, word, token())));
  typed.set(http::field::origin, "https://box.example:9748");
  CHECK(is<LoggedIn>(admit_from_elsewhere(typed, "token=" + word, token())));
  typed.set(http::field::origin, "https://evil.example");
  CHECK(admit_from_elsewhere(typed, "token=" + word, token()).error().status == http::status::forbidden);
}

TEST_CASE("A WebSocket from elsewhere has this page's origin, under its scheme", "[token]") {
  auto request = saying("/live", http::field::authorization, "Bearer " + word);
  request.version(11);
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  request.set(http::field::sec_websocket_version, "13");
  request.set(http::field::origin, "https://box.example:9748");
  CHECK(is<Live>(admit_from_elsewhere(request, "", token())));
  for (const auto* origin : {"http://box.example:9748", "https://box.example", "https://evil.example", "null"}) {
    request.set(http::field::origin, origin);
    CHECK(admit_from_elsewhere(request, "", token()).error().status == http::status::forbidden);
  }
}

}  // namespace
}  // namespace cloister::dashboard
