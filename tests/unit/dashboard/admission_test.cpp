// What a stranger's request may ask for.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "appliance/dashboard/admission.hpp"

namespace cloister::dashboard {
namespace {
namespace http = boost::beast::http;
using Catch::Matchers::ContainsSubstring;

http::request_header<> asked(std::string_view target, std::string_view host, http::verb method = http::verb::get) {
  http::request_header<> request;
  request.method(method);
  request.target(target);
  if (!host.empty()) request.set(http::field::host, host);
  return request;
}

template <class What>
bool is(const std::expected<Route, Refusal>& admitted) {
  return admitted && std::holds_alternative<What>(*admitted);
}

TEST_CASE("The metrics are for this machine's names, with and without a port", "[admission]") {
  const auto* host =
      GENERATE("localhost", "LOCALHOST:9748", "127.0.0.1", "127.0.0.1:9748", "127.8.8.8:1", "[::1]", "[::1]:9748");
  CHECK(is<Metrics>(admit(asked("/metrics", host))));
  CHECK(is<Metrics>(admit(asked("/metrics?name[]=x", host))));
}

TEST_CASE("A request for another host was brought here by a foreign web page", "[admission]") {
  const auto* host =
      GENERATE("", "evil.example", "localhost.evil.example", "evil.example:9748", "203.0.113.1", "[::2]", "[::1", "::1",
               "[127.0.0.1]", "127.0.0.1:", "127.0.0.1.evil.example", "localhost:9748x", "localhost:9748@evil.example",
               "[]", "[", "]", ":", "127.0.0.1]", "[::1]9748", "localhost:974800", "[::1%lo]");
  CAPTURE(host);
  const auto admitted = admit(asked("/metrics", host));
  if (std::string_view{host} == "127.0.0.1:") {  // RFC 3986 section 3.2.3: an empty port is the default port
    CHECK(admitted);
    return;
  }
  REQUIRE_FALSE(admitted);
  CHECK(admitted.error().status == http::status::misdirected_request);
  CHECK_THAT(admitted.error().text, ContainsSubstring("localhost"));
}

TEST_CASE("Two hosts in one request are none", "[admission]") {
  auto request = asked("/metrics", "localhost");
  request.insert(http::field::host, "localhost");
  CHECK_FALSE(admit(request));
}

TEST_CASE("Nothing can be changed, and what is not there is not found", "[admission]") {
  CHECK(admit(asked("/metrics", "localhost", http::verb::head)));
  for (const auto method : {http::verb::post, http::verb::put, http::verb::delete_, http::verb::options}) {
    const auto admitted = admit(asked("/metrics", "localhost", method));
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().status == http::status::method_not_allowed);
  }
  for (const auto* target : {"", "/metric", "/metrics/", "//metrics", "/../metrics", "http://localhost/metrics", "*"}) {
    const auto admitted = admit(asked(target, "localhost"));
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().status == http::status::not_found);
  }
}

TEST_CASE("The page asks for nothing that is not served, and has no script or style within", "[admission]") {
  const auto page = admit(asked("/", "localhost"));
  REQUIRE(is<const Asset*>(page));
  const auto text = std::get<const Asset*>(*page)->content;
  std::size_t files = 0;
  for (const std::string_view attribute : {"src=\"", "href=\"/"}) {
    for (std::size_t at = 0; (at = text.find(attribute, at)) != std::string_view::npos; at += attribute.size()) {
      const auto begin = text.find('"', at) + 1;
      const auto path = text.substr(begin, text.find('"', begin) - begin);
      CAPTURE(path);
      CHECK(is<const Asset*>(admit(asked(path, "localhost"))));
      ++files;
    }
  }
  CHECK(files >= 3);
  for (const std::string_view inside : {"<style", "style=", "onclick", "onload", "http:", "https:", "<script>"})
    CHECK_FALSE(text.contains(inside));
}

TEST_CASE("What a script imports is served", "[admission]") {
  for (const auto* path : {"/page.js", "/plot.js", "/picture.js", "/format.js", "/kinds.js"}) {
    const auto* script = find_asset(path);
    REQUIRE(script != nullptr);
    CHECK(script->content_type.starts_with("text/javascript"));
    for (std::size_t at = 0; (at = script->content.find("'./", at)) != std::string_view::npos; ++at) {
      const auto name = script->content.substr(at + 2, script->content.find('\'', at + 1) - at - 2);
      CAPTURE(path, name);
      CHECK(find_asset(name) != nullptr);
    }
  }
}

TEST_CASE("Only a WebSocket of this page is told the status", "[admission]") {
  auto request = asked("/live", "localhost:9748");
  request.version(11);
  CHECK(admit(request).error().status == http::status::upgrade_required);
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  request.set(http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  request.set(http::field::sec_websocket_version, "13");
  CHECK(is<Live>(admit(request)));  // no browser
  request.set(http::field::origin, "http://localhost:9748");
  CHECK(is<Live>(admit(request)));
  for (const auto* origin : {"http://evil.example", "http://localhost", "https://localhost:9748", "null", ""}) {
    request.set(http::field::origin, origin);
    CHECK(admit(request).error().status == http::status::forbidden);
  }
}

}  // namespace
}  // namespace cloister::dashboard
