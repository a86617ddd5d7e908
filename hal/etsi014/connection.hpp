#pragma once
/// A connection to a KME: one request after the other, over TLS. It is opened when it is needed, and anew where the KME ends it after an
/// answer. What has come is in the arena from the moment that it is no ciphertext any more.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/verb.hpp>
#include <optional>
#include <string>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"
#include "hal/etsi014/answer.hpp"
#include "hal/etsi014/client.hpp"

namespace cloister::hal::etsi014 {

struct Request {
  Call call;
  boost::beast::http::verb verb = boost::beast::http::verb::post;
  std::string body;  // JSON; may be empty
};

class Connection {
 public:
  /// `settings` outlive it.
  Connection(const KmeSettings& settings, boost::asio::ssl::context context, boost::asio::any_io_executor executor);

  /// The body of an answer of status 200; anything else is an error with its remedy.
  [[nodiscard]] boost::asio::awaitable<Result<crypto::SecretVector<char>>> ask(Request request);
  /// To the last request, whatever its status.
  [[nodiscard]] bool has_answered() const { return answered_; }

 private:
  using Stream = boost::asio::ssl::stream<boost::beast::tcp_stream>;

  [[nodiscard]] boost::asio::awaitable<Result<>> open();
  void name_host();
  [[nodiscard]] std::unexpected<Error> broken(Call call, const boost::system::error_code& error) const;

  const KmeSettings& settings_;
  boost::asio::ssl::context context_;
  boost::asio::any_io_executor executor_;
  std::optional<Stream> stream_;
  bool answered_ = false;
  boost::beast::basic_flat_buffer<crypto::ArenaAllocator<char>> buffer_;
};

}  // namespace cloister::hal::etsi014
