#pragma once
/// What a request asks for, and whether it may. Beast has parsed it; what is in its fields is still a stranger's.

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <expected>
#include <string>
#include <variant>

#include "appliance/dashboard/assets.hpp"

namespace cloister::dashboard {

struct Metrics {};
/// The status once a second, over a WebSocket.
struct Live {};
using Route = std::variant<Metrics, Live, const Asset*>;

struct Refusal {
  boost::beast::http::status status;
  std::string text;  // for a person, with the remedy
};

/// Only the loopback address is listened on, so a request for any other host was not meant for this machine: a web page
/// elsewhere had its own name resolve to 127.0.0.1 (DNS rebinding) to read the answer in a visitor's browser.
/// A WebSocket that a foreign page's script opens has that page's origin, which is refused likewise (RFC 6455 section
/// 10.2).
[[nodiscard]] std::expected<Route, Refusal> admit(const boost::beast::http::request_header<>& request);

}  // namespace cloister::dashboard
