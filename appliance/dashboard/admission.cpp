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

bool is_foreign(const http::request_header<>& request, std::string_view scheme) {
  const auto origin = request.find(http::field::origin);
  return origin != request.end() &&
         origin->value() != std::string{scheme} + "://" + std::string{request[http::field::host]};
}

std::string_view path_of(const http::request_header<>& request) {
  const std::string_view target = request.target();
  return target.substr(0, target.find('?'));
}

/// What is asked for, by who may have all.
std::expected<Route, Refusal> route_of(const http::request_header<>& request, std::string_view scheme) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return std::unexpected{Refusal{http::status::method_not_allowed, "only GET and HEAD: nothing can be changed here"}};
  }
  const auto path = path_of(request);
  if (path == "/metrics") return Metrics{};
  if (const auto* asset = find_asset(path)) return asset;
  if (path != "/live")
    return std::unexpected{
        Refusal{http::status::not_found, "not here: there is / for people, /metrics for Prometheus"}};
  if (is_foreign(request, scheme))
    return std::unexpected{Refusal{http::status::forbidden, "a page from elsewhere may not listen: open / here"}};
  if (!boost::beast::websocket::is_upgrade(request)) {
    return std::unexpected{
        Refusal{http::status::upgrade_required, "this is a WebSocket, for the page's script: open / instead"}};
  }
  return Live{};
}

constexpr std::string_view cookie_name = "__Host-cloister=";

/// "a=b; __Host-cloister=TOKEN" (RFC 6265 section 4.2.1); the first of that name counts.
std::string_view said_by_cookie(std::string_view cookies) {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    auto one = cookies.substr(0, end);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one.starts_with(cookie_name)) return one.substr(cookie_name.size());
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

std::string_view said_by_header(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (!boost::beast::iequals(authorization.substr(0, scheme.size()), scheme)) return {};
  return authorization.substr(scheme.size());
}

bool has_said(const http::request_header<>& request, const Token& token) {
  return token.is(said_by_header(request[http::field::authorization])) ||
         token.is(said_by_cookie(request[http::field::cookie]));
}

/// The form's answer. None of a token's letters changes on the way; blanks that were copied with it are no part of it.
std::expected<Route, Refusal> log_in(const http::request_header<>& request, std::string_view body, const Token& token) {
  constexpr std::string_view field = "token=";
  if (is_foreign(request, "https"))
    return std::unexpected{Refusal{http::status::forbidden, "a page from elsewhere may not log in: open / here"}};
  auto said = body.starts_with(field) ? body.substr(field.size()) : std::string_view{};
  while (said.starts_with('+')) said.remove_prefix(1);
  while (said.ends_with('+')) said.remove_suffix(1);
  if (!token.is(said)) return LogIn{.wrong = true};
  return LoggedIn{};
}

}  // namespace

std::expected<Route, Refusal> admit(const http::request_header<>& request) {
  if (request.count(http::field::host) > 1 || !names_this_machine(request[http::field::host])) {
    return std::unexpected{Refusal{http::status::misdirected_request,
                                   "this address answers only to localhost, 127.0.0.1 and [::1]: use one of these as "
                                   "the host, through a tunnel (ssh -L) from elsewhere"}};
  }
  return route_of(request, "http");
}

std::expected<Route, Refusal> admit_from_elsewhere(const http::request_header<>& request, std::string_view body,
                                                   const Token& token) {
  const auto path = path_of(request);
  if (path == "/login" && request.method() == http::verb::post) return log_in(request, body, token);
  if (has_said(request, token)) return route_of(request, "https");
  const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
  if (reads && (path == "/" || path == "/login")) return LogIn{};
  if (reads && (path == "/page.css" || path == "/icon.svg")) return find_asset(path);  // the page that asks needs them
  return std::unexpected{
      Refusal{http::status::unauthorized,
              "say the dashboard's token: 'Authorization: Bearer TOKEN', or open / in a browser and type it"}};
}

std::string cookie_of(const Token& token) {
  return std::string{cookie_name} + token.word() + "; Path=/; Secure; HttpOnly; SameSite=Strict";
}

}  // namespace cloister::dashboard
