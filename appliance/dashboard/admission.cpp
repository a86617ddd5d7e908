#include "appliance/dashboard/admission.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <string>
#include <string_view>

namespace cloister::dashboard {
namespace http = boost::beast::http;
namespace {

/// "localhost:9748", "127.0.0.1", "[::1]:9748" (RFC 9110 section 7.2).
bool names_this_machine(std::string_view host) {
  constexpr std::size_t port_digits_max = 5;
  const bool bracketed = host.starts_with('[');
  const auto end = bracketed ? host.find(']') : host.find(':');
  const auto name = host.substr(bracketed ? 1 : 0, bracketed && end != std::string_view::npos ? end - 1 : end);
  const auto port = end == std::string_view::npos ? "" : host.substr(end + (bracketed ? 1 : 0));
  if (bracketed && end == std::string_view::npos) return false;
  if (!port.empty()) {
    const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    if (port.front() != ':' || port.size() > 1 + port_digits_max || !std::ranges::all_of(port.substr(1), is_digit))
      return false;
  }
  if (!bracketed && boost::beast::iequals(name, "localhost")) return true;
  if (name.contains('%')) return false;  // an address with a zone
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name, error);
  return !error && address.is_loopback() && address.is_v6() == bracketed;
}

bool is_foreign(const http::request_header<>& request) {
  const auto origin = request.find(http::field::origin);
  return origin != request.end() && origin->value() != "http://" + std::string{request[http::field::host]};
}

}  // namespace

std::expected<Route, Refusal> admit(const http::request_header<>& request) {
  if (request.count(http::field::host) > 1 || !names_this_machine(request[http::field::host])) {
    return std::unexpected{Refusal{http::status::misdirected_request,
                                   "this address answers only to localhost, 127.0.0.1 and [::1]: use one of these as "
                                   "the host, through a tunnel (ssh -L) from elsewhere"}};
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return std::unexpected{Refusal{http::status::method_not_allowed, "only GET and HEAD: nothing can be changed here"}};
  }
  const std::string_view target = request.target();
  const auto path = target.substr(0, target.find('?'));
  if (path == "/metrics") return Metrics{};
  if (const auto* asset = find_asset(path)) return asset;
  if (path != "/live")
    return std::unexpected{
        Refusal{http::status::not_found, "not here: there is / for people, /metrics for Prometheus"}};
  if (is_foreign(request))
    return std::unexpected{Refusal{http::status::forbidden, "a page from elsewhere may not listen: open / here"}};
  if (!boost::beast::websocket::is_upgrade(request)) {
    return std::unexpected{
        Refusal{http::status::upgrade_required, "this is a WebSocket, for the page's script: open / instead"}};
  }
  return Live{};
}

}  // namespace cloister::dashboard
