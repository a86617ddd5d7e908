#pragma once
/// What a request asks for, and whether it may. Beast has parsed it; what is in its fields is still a stranger's.

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <expected>
#include <string>

namespace cloister::dashboard {

enum class Route { metrics };

struct Refusal {
  boost::beast::http::status status;
  std::string text;  // for a person, with the remedy
};

/// Only the loopback address is listened on, so a request for any other host was not meant for this machine: a web page
/// elsewhere had its own name resolve to 127.0.0.1 (DNS rebinding) to read the answer in a visitor's browser.
[[nodiscard]] std::expected<Route, Refusal> admit(const boost::beast::http::request_header<>& request);

}  // namespace cloister::dashboard
