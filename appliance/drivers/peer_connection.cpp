#include "appliance/drivers/peer_connection.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <format>
#include <optional>

namespace cloister::drivers {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
namespace {

constexpr std::chrono::seconds connect_patience{5};
constexpr std::size_t receive_bytes = std::size_t{256} * 1024;

tcp::endpoint endpoint(const PeerAddress& address) { return {asio::ip::make_address(address.address), address.port}; }

std::string reason_of(const error_code& error) {
  return error == asio::error::eof ? std::string{"the peer closed the connection"} : error.message();
}

}  // namespace

struct PeerConnection::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io, Handlers callbacks)
      : context{io}, handlers{std::move(callbacks)}, acceptor{io}, timer{io} {}

  /// One TCP connection; a callback of an older one finds another generation and does nothing.
  struct Connection {
    explicit Connection(tcp::socket accepted) : socket{std::move(accepted)} {}
    tcp::socket socket;
    std::array<std::byte, receive_bytes> received{};
    std::deque<std::vector<std::byte>> outgoing;
  };
  using ConnectionPointer = std::shared_ptr<Connection>;

  asio::io_context& context;
  Handlers handlers;
  tcp::acceptor acceptor;
  asio::steady_timer timer;
  ConnectionPointer current;
  asio::ip::address peer_address;  // the server's
  bool closed = false;

  void adopt(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    current = std::make_shared<Connection>(std::move(socket));
    handlers.connected();
    read(current);
  }

  void drop(const ConnectionPointer& connection, const std::string& reason) {
    if (connection != current || closed) return;
    close_current();
    handlers.disconnected(reason);
  }

  void close_current() {
    if (!current) return;
    error_code ignored;
    current->socket.close(ignored);
    current.reset();
  }

  void read(const ConnectionPointer& connection) {
    connection->socket.async_read_some(asio::buffer(connection->received), [self = shared_from_this(), connection](
                                                                               error_code error, std::size_t bytes) {
      if (connection != self->current || self->closed) return;
      if (error) return self->drop(connection, reason_of(error));
      self->handlers.received(std::span<const std::byte>{connection->received}.first(bytes));
      if (connection == self->current) self->read(connection);
    });
  }

  void write(const ConnectionPointer& connection) {
    asio::async_write(connection->socket, asio::buffer(connection->outgoing.front()),
                      [self = shared_from_this(), connection](error_code error, std::size_t) {
                        if (connection != self->current || self->closed) return;
                        if (error) return self->drop(connection, reason_of(error));
                        connection->outgoing.pop_front();
                        if (!connection->outgoing.empty()) self->write(connection);
                      });
  }

  void receive_newcomer(tcp::socket socket) {
    error_code error;
    const auto from = socket.remote_endpoint(error).address();
    if (error) return;
    if (from != peer_address) return handlers.stranger(from.to_string());
    if (current && !handlers.may_be_displaced()) return;
    if (current) drop(current, "the peer connected anew");
    adopt(std::move(socket));
  }

  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (self->closed || error == asio::error::operation_aborted) return;
      if (!error) self->receive_newcomer(std::move(socket));
      self->accept();
    });
  }

  void connect_now(const PeerAddress& local, const PeerAddress& peer) {
    auto socket = std::make_shared<tcp::socket>(context);
    const auto failed = [this, peer](const error_code& error) {
      handlers.disconnected(std::format("{}:{} cannot be reached: {}", peer.address, peer.port, error.message()));
    };
    error_code error;
    const auto source = endpoint({local.address, 0});
    socket->open(source.protocol(), error);
    if (!error) socket->bind(source, error);
    if (error) return failed(error);
    timer.expires_after(connect_patience);
    timer.async_wait([socket](error_code expired) {
      error_code ignored;
      if (!expired) socket->close(ignored);
    });
    socket->async_connect(endpoint(peer), [self = shared_from_this(), socket, failed](error_code result) {
      self->timer.cancel();
      if (self->closed) return;
      if (result) return failed(result == asio::error::operation_aborted ? error_code{asio::error::timed_out} : result);
      self->close_current();
      self->adopt(std::move(*socket));
    });
  }
};

PeerConnection::PeerConnection(asio::io_context& context, Handlers handlers)
    : impl_{std::make_shared<Impl>(context, std::move(handlers))} {}

PeerConnection::~PeerConnection() {
  impl_->closed = true;
  error_code ignored;
  impl_->acceptor.close(ignored);
  impl_->timer.cancel();
  impl_->close_current();
}

Result<> PeerConnection::listen(const PeerAddress& local, const std::string& peer_address) {
  error_code error;
  const auto where = endpoint(local);
  const auto failed = [&](const char* remedy) {
    return fail(std::format("classical channel {}:{} cannot be opened: {}", local.address, local.port, remedy));
  };
  impl_->peer_address = asio::ip::make_address(peer_address);
  impl_->acceptor.open(where.protocol(), error);
  if (!error) impl_->acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) impl_->acceptor.bind(where, error);
  if (!error) impl_->acceptor.listen(8, error);
  if (error == asio::error::address_in_use)
    return failed("the port is in use: stop the other program (ss -tlnp shows it) or choose another port");
  if (error == boost::system::errc::address_not_available)
    return failed("this machine does not have that address: check 'local_address'");
  if (error) return failed(error.message().c_str());
  impl_->accept();
  return {};
}

void PeerConnection::connect(const PeerAddress& local, const PeerAddress& peer,
                             std::chrono::steady_clock::time_point at) {
  impl_->timer.expires_at(at);
  impl_->timer.async_wait([self = impl_, local, peer](error_code error) {
    if (!error && !self->closed) self->connect_now(local, peer);
  });
}

void PeerConnection::transmit(std::vector<std::byte> bytes) {
  const auto connection = impl_->current;
  if (!connection || bytes.empty()) return;
  connection->outgoing.push_back(std::move(bytes));
  if (connection->outgoing.size() == 1) impl_->write(connection);
}

void PeerConnection::disconnect() { impl_->close_current(); }

}  // namespace cloister::drivers
