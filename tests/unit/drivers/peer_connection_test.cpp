// Who may connect, and who takes whose place. The addresses are the machine's own.
#include "appliance/drivers/peer_connection.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch_test_macros.hpp>
#include <optional>

namespace cloister::drivers {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr const char* here = "127.0.0.1";
constexpr const char* peer = "127.0.0.2";
constexpr const char* elsewhere = "127.0.0.3";

struct Server {
  asio::io_context io;
  std::uint64_t connected = 0;
  std::uint64_t disconnected = 0;
  std::vector<std::string> strangers;
  bool displaceable = false;
  std::uint16_t port = 0;
  std::optional<PeerConnection> connection;

  Server() {
    connection.emplace(
        io, PeerConnection::Handlers{.connected = [this] { ++connected; },
                                     .received = [](std::span<const std::byte>) {},
                                     .disconnected = [this](const std::string&) { ++disconnected; },
                                     .may_be_displaced = [this] { return displaceable; },
                                     .stranger = [this](const std::string& address) { strangers.push_back(address); }});
    // A port that was free a moment ago; another one where somebody was faster.
    for (int tries = 0; tries < 20 && port == 0; ++tries) {
      tcp::acceptor probe{io, {asio::ip::make_address(here), 0}};
      const auto free = probe.local_endpoint().port();
      probe.close();
      if (connection->listen({here, free}, peer)) port = free;
    }
    REQUIRE(port != 0);
  }
  tcp::socket connect_from(const char* address) {
    tcp::socket socket{io};
    socket.open(tcp::v4());
    socket.bind({asio::ip::make_address(address), 0});
    socket.connect({asio::ip::make_address(here), port});
    return socket;
  }
  /// Handles what comes until it holds; the limit is for a test that fails.
  template <class Condition>
  void until(Condition holds) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!holds() && std::chrono::steady_clock::now() < limit) io.run_one_for(100ms);
    REQUIRE(holds());
  }
};

/// The other end has closed.
bool is_closed(tcp::socket& socket) {
  std::array<std::byte, 1> byte{};
  boost::system::error_code error;
  socket.read_some(asio::buffer(byte), error);
  return error == asio::error::eof || error == asio::error::connection_reset;
}

TEST_CASE("A stranger's connection is closed, told of, and displaces nobody, whatever the session says", "[drivers]") {
  for (const bool displaceable : {false, true}) {
    Server server;
    server.displaceable = displaceable;
    auto true_peer = server.connect_from(peer);
    server.until([&] { return server.connected == 1; });
    for (std::size_t i = 1; i <= 20; ++i) {
      auto stranger = server.connect_from(elsewhere);
      server.until([&] { return server.strangers.size() == i; });
      CHECK(is_closed(stranger));
    }
    CHECK(server.strangers.front() == elsewhere);
    CHECK(server.connected == 1);
    CHECK(server.disconnected == 0);
  }
}

TEST_CASE("A newcomer from the peer's address displaces a connection only where the session lets it", "[drivers]") {
  Server server;
  auto first = server.connect_from(peer);
  server.until([&] { return server.connected == 1; });
  auto second = server.connect_from(peer);
  // One after the other is taken in: when the stranger is known, the newcomer before it was dealt with.
  auto stranger = server.connect_from(elsewhere);
  server.until([&] { return server.strangers.size() == 1; });
  CHECK(is_closed(second));
  CHECK(server.connected == 1);
  server.displaceable = true;
  auto third = server.connect_from(peer);
  server.until([&] { return server.connected == 2; });
  CHECK(server.disconnected == 1);
  CHECK(is_closed(first));
}

}  // namespace
}  // namespace cloister::drivers
