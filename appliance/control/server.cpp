#include "appliance/control/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <format>
#include <optional>

namespace cloister::control {
namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
namespace {

constexpr std::size_t clients_max = 16;
constexpr std::size_t clients_max_for_viewers = 12;  // the rest is kept for those who may operate
constexpr std::chrono::seconds idle_max{30};

}  // namespace

/// One connection: a request, its answer, the next request; ended by silence, by a request that is too long, or by the
/// client.
struct Server::Client : std::enable_shared_from_this<Client> {
  Client(stream_protocol::socket accepted, unsigned number, Right allowed, Answer answers, Hold holds,
         std::shared_ptr<std::size_t> count)
      : socket{std::move(accepted)},
        user{number},
        right{allowed},
        idle{socket.get_executor()},
        answer{std::move(answers)},
        hold{std::move(holds)},
        clients{std::move(count)} {
    ++*clients;
  }
  ~Client() { --*clients; }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void read() {
    idle.expires_after(idle_max);
    idle.async_wait([self = weak_from_this()](error_code error) {
      if (const auto client = self.lock(); client && !error) client->socket.close();
    });
    asio::async_read_until(socket, asio::dynamic_buffer(received, request_bytes_max), '\n',
                           [self = shared_from_this()](error_code error, std::size_t bytes) {
                             if (!error)
                               self->reply(bytes);
                             else
                               self->idle.cancel();
                           });
  }

  void reply(std::size_t bytes) {
    const auto question = decode_request(std::string_view{received}.substr(0, bytes));
    received.erase(0, bytes);
    if (!question) {
      sent = encode_error(question.error());
    } else if (right < right_for(question->request)) {
      sent = encode_lacking(right_for(question->request));
    } else if (!takes_time(question->request)) {
      sent = answer(*question, user);
    } else if (hold) {
      idle.cancel();
      return hold(question->request, HeldClient{socket.release(), user});
    } else {
      sent = encode_error("this service has no secrets, tests or configuration: nothing was done");
    }
    asio::async_write(socket, asio::buffer(sent), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error)
        self->read();
      else
        self->idle.cancel();
    });
  }

  stream_protocol::socket socket;
  unsigned user;
  Right right;
  asio::steady_timer idle;
  Answer answer;
  Hold hold;
  std::shared_ptr<std::size_t> clients;
  std::string received;
  std::string sent;
};

HeldClient::~HeldClient() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void HeldClient::answer(std::string_view line) const {
  static_cast<void>(::send(descriptor_, line.data(), line.size(), MSG_NOSIGNAL));  // who has gone needs no answer
}

Server::Server(asio::io_context& context, std::string path, Answer answer, Hold hold)
    : path_{std::move(path)}, answer_{std::move(answer)}, hold_{std::move(hold)}, acceptor_{context} {}

Server::~Server() { ::unlink(path_.c_str()); }

std::expected<std::unique_ptr<Server>, std::string> Server::open(asio::io_context& context, const std::string& path,
                                                                 Answer answer, Hold hold) {
  if (path.size() > socket_path_max)
    return std::unexpected{
        std::format("control socket '{}': the path is longer than {} characters: choose a shorter 'box.control_socket'",
                    path, socket_path_max)};
  error_code error;
  stream_protocol::socket probe{context};
  probe.connect(stream_protocol::endpoint{path}, error);
  if (!error) {
    return std::unexpected{std::format(
        "control socket '{}': another cloisterd answers there: stop it, or set 'box.control_socket' to another path",
        path)};
  }
  // Left by a service that was killed; what else may lie there is not ours to remove.
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode))
      return std::unexpected{
          std::format("control socket '{}': something that is no socket lies there: remove it, or set "
                      "'box.control_socket' to another path",
                      path)};
    ::unlink(path.c_str());
  }

  std::unique_ptr<Server> server{new Server{context, path, std::move(answer), std::move(hold)}};
  const auto failed = [&](const char* what) {
    return std::unexpected{std::format("control socket '{}': {}: {}", path, what, error.message())};
  };
  server->acceptor_.open(stream_protocol{}, error);
  if (error) return failed("cannot be made");
  server->acceptor_.bind(stream_protocol::endpoint{path}, error);
  if (error) return failed("cannot be made (does its directory exist?)");
  if (::chmod(path.c_str(), 0666) != 0)  // who connects is looked at by who it is
    return std::unexpected{std::format("control socket '{}': cannot set its mode", path)};
  server->acceptor_.listen(16, error);
  if (error) return failed("cannot listen");
  server->accept();
  return server;
}

void Server::accept() {
  acceptor_.async_accept([this](error_code error, stream_protocol::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) admit(std::move(socket));
    accept();
  });
}

/// A stranger is told and sent away at once, and viewers leave places free: who must operate finds one.
void Server::admit(stream_protocol::socket socket) {
  const auto peer = peer_of(socket.native_handle());
  const Right right = peer ? access_.right_of(*peer) : Right::nothing;
  if (right == Right::nothing) {
    const auto told = encode_lacking(Right::view);
    static_cast<void>(::send(socket.native_handle(), told.data(), told.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  } else if (*clients_ < (right >= Right::operate ? clients_max : clients_max_for_viewers)) {
    std::make_shared<Client>(std::move(socket), peer->user, right, answer_, hold_, clients_)->read();
  }
}

}  // namespace cloister::control
