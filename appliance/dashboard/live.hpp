#pragma once
/// The page's WebSocket: the status again and again, until the page goes.

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>

#include "appliance/dashboard/status_source.hpp"

namespace cloister::dashboard {

/// Answers the upgrade that `request` asks for. Each message is what the control socket answers to a question for the
/// status, errors too.
[[nodiscard]] boost::asio::awaitable<void> tell_status(
    boost::beast::tcp_stream stream, boost::beast::http::request<boost::beast::http::string_body> request,
    StatusSource& source, std::chrono::milliseconds interval);
[[nodiscard]] boost::asio::awaitable<void> tell_status(
    boost::beast::ssl_stream<boost::beast::tcp_stream> stream,
    boost::beast::http::request<boost::beast::http::string_body> request, StatusSource& source,
    std::chrono::milliseconds interval);

}  // namespace cloister::dashboard
