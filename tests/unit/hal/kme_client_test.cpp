// A fetch from a KME that takes the connection and then says nothing ends when it is cancelled, as its owner does after a limit or
// with the session.
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/random.hpp"
#include "hal/etsi014/client.hpp"
#include "tests/unit/crypto/small_ca.hpp"

namespace {
using namespace cloister;
using namespace cloister::hal::etsi014;
namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

/// Certificates of a client, in a directory of their own.
class Files {
 public:
  Files() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloister-kme-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    crypto::SystemRandom random;
    identity_ = std::make_shared<const crypto::Identity>(std::move(crypto::Identity::generate(random).value()));
    const crypto::test::SmallCa ca;
    std::ofstream{directory_ / "ca.pem"} << ca.root();
    std::ofstream{directory_ / "client.pem"} << ca.issue(*identity_, "geneva-sae", 2);
  }
  ~Files() { std::filesystem::remove_all(directory_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  [[nodiscard]] KmeSettings settings(const std::string& address, std::uint16_t port) const {
    return {.host = "127.0.0.1",
            .address = address,
            .port = port,
            .own_sae = "geneva-sae",
            .peer_sae = "paris-sae",
            .ca = directory_ / "ca.pem",
            .certificate = directory_ / "client.pem",
            .key = {},
            .identity = identity_};
  }

 private:
  std::filesystem::path directory_;
  std::shared_ptr<const crypto::Identity> identity_;
};

TEST_CASE("A fetch of a KME that says nothing ends when it is cancelled, and keeps what it had") {
  const Files files;
  asio::io_context io;
  tcp::acceptor silent{io, {asio::ip::address_v4::loopback(), 0}};
  const auto settings = files.settings("127.0.0.1", silent.local_endpoint().port());
  REQUIRE(check(settings));
  const auto held = std::make_shared<std::vector<hal::FinishedKey>>();
  held->push_back({.id = "a", .bits = crypto::SecretVector<std::byte>(32)});
  asio::cancellation_signal give_up;
  std::optional<std::string> said;
  asio::co_spawn(io, named_keys(settings, {"a", "b"}, 8, held),
                 asio::bind_cancellation_slot(give_up.slot(), [&](const std::exception_ptr& thrown, Keys<void> got) {
                   REQUIRE_FALSE(thrown);
                   REQUIRE_FALSE(got);
                   said = got.error().message;
                 }));
  asio::steady_timer limit{io, 200ms};
  limit.async_wait([&](const boost::system::error_code&) { give_up.emit(asio::cancellation_type::terminal); });
  const auto begun = std::chrono::steady_clock::now();
  io.run();
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  REQUIRE(said);
  INFO(*said);
  CHECK(said->find("127.0.0.1") != std::string::npos);
  CHECK(held->size() == 1);
}

TEST_CASE("A name is not looked up in a KME's address") {
  const Files files;
  asio::io_context io;
  std::optional<std::string> said;
  asio::co_spawn(io, fresh_keys(files.settings("localhost", 443), 1),
                 [&](const std::exception_ptr& thrown, Keys<FreshKeys> got) {
                   REQUIRE_FALSE(thrown);
                   REQUIRE_FALSE(got);
                   said = got.error().message;
                 });
  io.run();
  REQUIRE(said);
  CHECK(said->find("set 'etsi014.address'") != std::string::npos);
}

}  // namespace
