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

TEST_CASE("The metrics are for this machine's names, with and without a port", "[admission]") {
  const auto* host =
      GENERATE("localhost", "LOCALHOST:9748", "127.0.0.1", "127.0.0.1:9748", "127.8.8.8:1", "[::1]", "[::1]:9748");
  CHECK(admit(asked("/metrics", host)) == Route::metrics);
  CHECK(admit(asked("/metrics?name[]=x", host)) == Route::metrics);
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

}  // namespace
}  // namespace cloister::dashboard
