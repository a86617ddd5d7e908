/// HTTP requests as a stranger writes them, parsed as the dashboard parses them, to the decision what they may have.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "appliance/dashboard/admission.hpp"

namespace {
const auto token = cloister::dashboard::Token::from("0123456789abcdef0123456789abcdef").value();
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = boost::beast::http;
  http::request_parser<http::string_body> parser;
  parser.header_limit(8192);
  parser.body_limit(1024);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(data, size), error);
  if (!parser.is_header_done()) return 0;
  const auto& request = parser.get();
  const auto admitted = cloister::dashboard::admit(request);
  if (!admitted && admitted.error().text.empty()) __builtin_trap();
  // The obviously right half of the rule: none of the names that are let in is longer, or has a letter of no address.
  const auto host = request[http::field::host];
  const auto elsewhere = cloister::dashboard::admit_from_elsewhere(request, request.body(), token);
  if (!elsewhere && elsewhere.error().text.empty()) __builtin_trap();
  // Likewise: who does not write the token down somewhere gets nothing that needs it.
  const std::string_view whole{reinterpret_cast<const char*>(data), size};
  const auto tells = [](const auto& route) {
    using namespace cloister::dashboard;
    return std::holds_alternative<Metrics>(route) || std::holds_alternative<Live>(route) ||
           std::holds_alternative<LoggedIn>(route);
  };
  if (elsewhere && tells(*elsewhere) && !whole.contains(token.word())) __builtin_trap();
  if (admitted && (host.size() > 64 || host.find_first_of("/@%\\ \t") != host.npos)) __builtin_trap();
  return 0;
}
