/// HTTP requests as a stranger writes them, parsed as the dashboard parses them, to the decision what they may have.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>

#include "appliance/dashboard/admission.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = boost::beast::http;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(8192);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(data, size), error);
  if (!parser.is_header_done()) return 0;
  const auto& request = parser.get();
  const auto admitted = cloister::dashboard::admit(request);
  if (!admitted && admitted.error().text.empty()) __builtin_trap();
  // The obviously right half of the rule: none of the names that are let in is longer, or has a letter of no address.
  const auto host = request[http::field::host];
  if (admitted && (host.size() > 64 || host.find_first_of("/@%\\ \t") != host.npos)) __builtin_trap();
  return 0;
}
