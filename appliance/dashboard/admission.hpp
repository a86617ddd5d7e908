#pragma once
/// What a request asks for, and whether it may. Beast has parsed it; what is in its fields is still a stranger's.

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "appliance/dashboard/assets.hpp"
#include "appliance/dashboard/token.hpp"

namespace cloister::dashboard {

struct Metrics {};
/// The status once a second, over a WebSocket.
struct Live {};
/// The page that asks for the token; `wrong` after one that is none.
struct LogIn {
  bool wrong = false;
};
/// The token was said: from now on the cookie says it.
struct LoggedIn {};
using Route = std::variant<Metrics, Live, const Asset*, LogIn, LoggedIn>;

struct Refusal {
  boost::beast::http::status status;
  std::string text;  // for a person, with the remedy
};

/// Who comes over the loopback address. A request for any other host was not meant for this machine: a web page
/// elsewhere had its own name resolve to 127.0.0.1 (DNS rebinding) to read the answer in a visitor's browser.
/// A WebSocket that a foreign page's script opens has that page's origin, which is refused likewise (RFC 6455 section
/// 10.2).
[[nodiscard]] std::expected<Route, Refusal> admit(const boost::beast::http::request_header<>& request);

/// Who comes over TLS, from anywhere: has what the loopback has once he says the token, by `Authorization: Bearer`
/// (RFC 6750 section 2.1) or by the cookie of who typed it into the page. `body` is what came with the request: the form's
/// one field. A foreign page has neither the cookie (SameSite) nor, under another name, a certificate that fits.
[[nodiscard]] std::expected<Route, Refusal> admit_from_elsewhere(const boost::beast::http::request_header<>& request,
                                                                 std::string_view body, const Token& token);

/// The cookie of who has said the token, for the answer's Set-Cookie: it ends with the browser, and goes over TLS to this
/// host alone (RFC 6265bis section 4.1.3.2, the prefix __Host-).
[[nodiscard]] std::string cookie_of(const Token& token);

}  // namespace cloister::dashboard
