// The dashboard over a real connection: what it answers, and the limits on who asks.
#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <thread>

#include "appliance/control/server.hpp"
#include "appliance/dashboard/listening.hpp"
#include "appliance/dashboard/server.hpp"

namespace cloister::dashboard {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

/// A service that answers, or none, and a dashboard on a port of its own.
class Dashboard {
 public:
  explicit Dashboard(bool with_service, Limits limits = {}) : server_{io_.get_executor(), path(), {}, limits} {
    if (with_service) {
      auto service = control::Server::open(io_, path(), [this](const control::Question&, unsigned) {
        ++asked;
        control::BoxStatus status;
        status.box = "geneva";
        return control::encode_answer(status);
      });
      REQUIRE(service);
      service_ = std::move(*service);
    }
    auto listeners = listen_on(io_.get_executor(), "127.0.0.1:0", Reach::loopback);
    REQUIRE(listeners);
    endpoint_ = listeners->front().local_endpoint();
    asio::co_spawn(io_, server_.serve(std::move(listeners->front())), asio::detached);
    thread_ = std::jthread{[this] { io_.run(); }};
  }
  ~Dashboard() {
    io_.stop();
    thread_.join();
    service_.reset();
    std::filesystem::remove_all(directory_);
  }
  Dashboard(const Dashboard&) = delete;
  Dashboard& operator=(const Dashboard&) = delete;

  tcp::socket connect() {
    tcp::socket socket{client_};
    socket.connect(endpoint_);
    return socket;
  }

  /// What comes back until the dashboard closes.
  static std::string read_all(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }

  std::string ask(const std::string& request) {
    auto socket = connect();
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    return read_all(socket);
  }

  std::atomic<int> asked = 0;

 private:
  static std::string make_directory() {
    std::string name = "/tmp/cloister-dashboard-XXXXXX";
    return ::mkdtemp(name.data());
  }
  [[nodiscard]] std::string path() const { return directory_ + "/control.sock"; }

  std::string directory_ = make_directory();
  asio::io_context io_{1};
  asio::io_context client_;
  std::unique_ptr<control::Server> service_;
  Server server_;
  tcp::endpoint endpoint_;
  std::jthread thread_;
};

std::string get(std::string_view target, std::string_view more = "Connection: close\r\n",
                std::string_view method = "GET") {
  return std::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", method, target, more);
}

TEST_CASE("A scrape gets the metrics of the service", "[server]") {
  Dashboard dashboard{true};
  const auto answer = dashboard.ask(get("/metrics"));
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n") && ContainsSubstring("text/plain; version=0.0.4") &&
                         ContainsSubstring("\ncloister_up 1\n") && ContainsSubstring("{box=\"geneva\""));
  const auto head = dashboard.ask(get("/metrics", "Connection: close\r\n", "HEAD"));
  CHECK_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n") && ContainsSubstring("Content-Length: ") && EndsWith("\r\n\r\n"));
}

TEST_CASE("A scrape while the service is down says so", "[server]") {
  Dashboard dashboard{false};
  CHECK_THAT(dashboard.ask(get("/metrics")),
             StartsWith("HTTP/1.1 200 OK\r\n") && ContainsSubstring("\ncloister_up 0\n"));
}

TEST_CASE("A page comes with a policy that allows nothing from elsewhere and no script within", "[server]") {
  Dashboard dashboard{true};
  const auto answer = dashboard.ask(get("/"));
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n") && ContainsSubstring("text/html") &&
                         ContainsSubstring("default-src 'none'; script-src 'self'; style-src 'self'") &&
                         ContainsSubstring("frame-ancestors 'none'") && ContainsSubstring("<title>Cloister</title>"));
  CHECK_THAT(answer, !ContainsSubstring("unsafe-inline"));
}

std::string next_message(boost::beast::websocket::stream<tcp::socket>& socket) {
  boost::beast::flat_buffer buffer;
  socket.read(buffer);
  return boost::beast::buffers_to_string(buffer.data());
}

TEST_CASE("The page hears the status again and again, and frees its place when it goes", "[server]") {
  Dashboard dashboard{true, {.clients_max = 1, .live_interval = std::chrono::milliseconds{1}}};
  {
    boost::beast::websocket::stream<tcp::socket> socket{dashboard.connect()};
    socket.handshake("localhost", "/live");
    for (int i = 0; i < 3; ++i) CHECK_THAT(next_message(socket), StartsWith(R"({"ok":true,"status":{)"));
  }
  while (dashboard.ask(get("/metrics")).empty()) std::this_thread::yield();
}

TEST_CASE("The page hears that the service is gone; who talks instead of listening is cut off", "[server]") {
  Dashboard dashboard{false, {.live_interval = std::chrono::hours{1}}};
  boost::beast::websocket::stream<tcp::socket> socket{dashboard.connect()};
  socket.handshake("localhost", "/live");
  CHECK_THAT(next_message(socket), StartsWith(R"({"ok":false,"error":")") && ContainsSubstring("cloisterd"));
  boost::system::error_code error;
  socket.write(asio::buffer(std::string(100'000, 'x')), error);  // it may be cut off in the middle
  boost::beast::flat_buffer buffer;
  socket.read(buffer, error);
  CHECK(error);
}

TEST_CASE("Many readers at once are one question to the service", "[server]") {
  Dashboard dashboard{true};
  std::string requests;
  for (int i = 0; i < 49; ++i) requests += get("/metrics", "");
  const auto answers = dashboard.ask(requests + get("/metrics"));
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) ++count;
  CHECK(count == 50);
  CHECK(dashboard.asked < 50);  // one for every half second that the machine took
}

TEST_CASE("What is no request, too long, or not for here is refused with its status", "[server]") {
  Dashboard dashboard{true};
  CHECK_THAT(dashboard.ask("junk\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  CHECK_THAT(dashboard.ask(get("/metrics", "X: " + std::string(9000, 'x') + "\r\n")), StartsWith("HTTP/1.1 431 "));
  CHECK_THAT(dashboard.ask(get("/metrics", "Content-Length: 3\r\n", "POST") + "abc"), StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(dashboard.ask(get("/metrics", "Connection: close\r\n", "DELETE")),
             StartsWith("HTTP/1.1 405 ") && ContainsSubstring("Allow: GET, HEAD"));
  CHECK_THAT(dashboard.ask(get("/etc/passwd")), StartsWith("HTTP/1.1 404 "));
  CHECK_THAT(dashboard.ask("GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
             StartsWith("HTTP/1.1 421 ") && !ContainsSubstring("cloister_up"));
  CHECK(dashboard.asked == 0);
}

TEST_CASE("Who is silent, or never finishes a request, is cut off", "[server]") {
  Dashboard dashboard{true, {.request_max = std::chrono::milliseconds{50}}};
  CHECK(dashboard.ask("").empty());
  CHECK(dashboard.ask("GET /metrics HTTP/1.1\r\nHost: local").empty());
}

TEST_CASE("Who comes when all places are taken is turned away, and served when one is free", "[server]") {
  Dashboard dashboard{true, {.clients_max = 1}};
  auto first = dashboard.connect();
  asio::write(first, asio::buffer(get("/metrics", "")));
  std::array<char, 16> some{};
  asio::read(first, asio::buffer(some));  // it has its place
  CHECK(dashboard.ask(get("/metrics")).empty());
  asio::write(first, asio::buffer(get("/metrics")));
  CHECK_THAT(Dashboard::read_all(first), ContainsSubstring("cloister_up 1"));
  while (dashboard.ask(get("/metrics")).empty()) std::this_thread::yield();
}

TEST_CASE("Only loopback addresses are listened on", "[listening]") {
  asio::io_context io;
  for (const auto* address : {"127.0.0.1:0", "[::1]:0"}) {
    const auto listeners = listen_on(io.get_executor(), address, Reach::loopback);
    CHECK((listeners || listeners.error().contains("cannot listen")));  // a machine may lack IPv6
  }
  for (const auto* address : {"0.0.0.0:0", "[::]:0"}) {
    const auto listeners = listen_on(io.get_executor(), address, Reach::loopback);
    REQUIRE_FALSE(listeners);
    CHECK_THAT(listeners.error(), ContainsSubstring("loopback") || ContainsSubstring("cannot listen"));
  }
  for (const auto* address :
       {"", "9748", ":9748", "localhost:9748", "::1:9748", "[127.0.0.1]:9748", "127.0.0.1:99999", "127.0.0.1:"}) {
    const auto listeners = listen_on(io.get_executor(), address, Reach::loopback);
    REQUIRE_FALSE(listeners);
    CHECK_THAT(listeners.error(), ContainsSubstring("expected"));
  }
}

}  // namespace
}  // namespace cloister::dashboard
