// The control socket: one request, one answer; what a person and a program see.
#include <sys/stat.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "appliance/cloisterctl/status_view.hpp"
#include "appliance/control/client.hpp"
#include "appliance/control/protocol.hpp"
#include "appliance/control/server.hpp"

namespace cloister::control {
namespace {
using Catch::Matchers::ContainsSubstring;

LinkStatus link() {
  LinkStatus link;
  link.name = "line";
  link.peer = "paris";
  link.role = "alice";
  link.state = "running";
  link.authenticated_by = "qkd";
  link.bootstrap_by = "PSK";
  link.device = "running";
  link.qber = 0.0101;
  link.test_qber = 0.0103;
  link.detections_per_second = 590'000;
  link.sifted_bits_per_second = 245'000;
  link.secret_bits_per_second = 82'000;
  link.blocks_made = 3;
  link.block_filled_bits = 500'000;
  link.block_size_bits = 1'000'000;
  link.reserve_bits = 131'072;
  link.reserve_bits_max = 131'456;
  link.authentication_spent_bits = 512;
  link.sealed_restarts = 8;
  link.last_block = BlockStatus{.number = 9,
                                .outcome = "held",
                                .authenticated_by = "qkd",
                                .source = "distilled",
                                .bound = "wiesemann2024",
                                .eps_sec = 9e-17,
                                .eps_cor = 1e-17,
                                .seconds = 1.25,
                                .detections = 2'100'000,
                                .sifted_bits = 1'000'200,
                                .tested_bits = 180'000,
                                .secret_bits = 330'000,
                                .leakage_bits = 89'128,
                                .qber = 0.0101,
                                .test_qber = 0.0102,
                                .single_photon_error_max = 0.03,
                                .phase_error_max = 0.0374,
                                .efficiency = 1.099};
  link.last_drop.emplace();
  link.last_drop->number = 7;
  link.last_drop->outcome = "RECONCILIATION_FAILED";
  link.last_drop->reason = "reconciliation did not end";
  link.failed_reconciliations = 1;
  link.quarantine_seconds = 2;
  link.quarantined_blocks = 3;
  link.quarantined_bits = 990'000;
  link.authentication_policy = "its-preferred";
  link.epsilon_total = 2e-9;
  link.epsilon_budget = 1e-6;
  link.epsilon_per_block = 1e-16;
  return link;
}

TunnelStatus tunnel() {
  TunnelStatus tunnel;
  tunnel.name = "office";
  tunnel.link = "line";
  tunnel.interface = "cl-office";
  tunnel.state = "up";
  tunnel.cipher = "AES-256-GCM, keys QKD + ML-KEM-768";
  tunnel.key_source = "qkd";
  tunnel.authenticated_by = "qkd";
  tunnel.spi_in = "0x0000abcd";
  tunnel.spi_out = "0x0000ef01";
  tunnel.key_age_seconds = 1.5;
  tunnel.last_rekey_seconds = 0.004;
  tunnel.rekeys = 7;
  tunnel.key_bits_spent = 8 * 256;
  tunnel.key_bits_per_second = 128;
  tunnel.stock_keys = tunnel.stock_keys_max = 8;
  tunnel.key_left_seconds = 19;
  tunnel.constant_packets_per_second = 1000;
  tunnel.constant_rate_used = 0.25;
  tunnel.dummies_out = 5;
  tunnel.dropped_over_rate = 3;
  tunnel.bytes_in = 2048;
  tunnel.bytes_out = 1024;
  return tunnel;
}

BoxStatus sample() {
  BoxStatus status;
  status.box = "geneva";
  status.version = "0.1.0";
  status.state = "running";
  status.uptime_seconds = 42;
  status.secret_memory = "memfd_secret";
  status.secret_memory_used_bytes = 1U << 20U;
  status.secret_memory_peak_bytes = 5U << 20U;
  status.secret_memory_bytes = 256U << 20U;
  status.links.push_back(link());
  status.tunnels.push_back(tunnel());
  status.events.push_back({1, 9.5, "info", "FIRST_KEY", "link 'line'", "first key"});
  status.events.push_back({2, 30.25, "alarm", "QBER_HIGH", "link 'line'", "QBER 25.0 %", 3});
  return status;
}

struct Directory {
  std::string path;
  Directory() {
    std::string name = "/tmp/cloister-control-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
};

TEST_CASE("What lies at the control socket's path and is no socket stays there", "[control]") {
  const Directory directory;
  const std::string path = directory.path + "/control.sock";
  std::ofstream{path} << "precious";
  boost::asio::io_context io;
  const auto server = Server::open(io, path, [](const Question&, unsigned) { return std::string{}; });
  REQUIRE_FALSE(server);
  CHECK(server.error().contains("no socket"));
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("Requests and answers are read as written; junk is refused with a reason", "[control]") {
  const auto question = decode_request(encode_request({.request = Request::rekey, .name = "office", .subject = "x"}));
  REQUIRE(question);
  CHECK(question->request == Request::rekey);
  CHECK(question->name == "office");
  CHECK(question->subject == "x");
  for (const char* junk : {"", "{", "[]", "{}", R"({"request": 1})", R"({"request": "export-keys"})", "\xFF\xFE"}) {
    const auto decoded = decode_request(junk);
    REQUIRE_FALSE(decoded);
    CHECK_FALSE(decoded.error().empty());
  }
  const auto read = decode_status(encode_answer(sample()));
  REQUIRE(read);
  CHECK(encode_answer(*read) == encode_answer(sample()));
  const auto refused = decode_status(encode_error("no"));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("no"));
}

TEST_CASE("The JSON for programs has what links and tunnels promise", "[control]") {
  const auto text = pretty_json(sample());
  for (const char* name : {"state", "authenticated_by", "authentication_policy", "blocks_computational", "qber",
                           "sifted_bits_per_second", "secret_bits_per_second", "reserve_bits", "spi_in", "spi_out",
                           "key_age_seconds", "rekeys", "bytes_in", "bytes_out", "key_left_seconds", "schema"}) {
    CHECK_THAT(text, ContainsSubstring(std::string{"\""} + name + "\":"));
  }
}

TEST_CASE("A person sees the story on one page, in colours only when asked", "[control]") {
  CHECK(cloisterctl::render(sample(), false) == R"(box: geneva
  version:         0.1.0, up 42 s
  state:           running
  secret memory:   memfd_secret, 1.00 MiB now and 5.00 MiB at most of 256 MiB

link: line
  peer:            paris, this box is the transmitter
  state:           running
  authenticated by: QKD keys (information-theoretic); policy its-preferred
  bootstrap by:    PSK
  device:          running
  QBER:            1.01 % key basis, 1.03 % test basis now
  rates:           590 kbit/s raw, 245 kbit/s sifted, 82.0 kbit/s secret
  blocks:          3 made, 0 dropped, 0 burnt; the next is 50 % full
  quarantine:      2 s without a finding; 3 blocks wait for that, 121 KiB of key
  reserve:         16.0 KiB of 16.0 KiB, 512 bits spent on tags; 8 restarts sealed
  last block:      9: held, authenticated by qkd, after 1.25 s
  its errors:      1.01 % key basis, 1.02 % test basis; single photons at most 3.00 %, phase error at most 3.74 %
  its bits:        2100000 detected, 1000200 sifted, 180000 tested, 330000 secret; 89128 leaked (f 1.099); wiesemann2024, eps_sec 9.0e-17, eps_cor 1.0e-17
  not reconciled:  1 blocks
  last drop:       7: RECONCILIATION_FAILED, reconciliation did not end
  epsilon:         2.00e-09 of 1.00e-06 for the link's life, 1.0e-16 a block

tunnel: office
  link:            line, interface cl-office
  state:           up
  cipher:          AES-256-GCM, keys QKD + ML-KEM-768
  key:             QKD, its block authenticated by qkd
  SPI:             in 0x0000abcd, out 0x0000ef01, key 1.5 s old
  rekeys:          7, the last in 4 ms; 128 bit/s of key
  keys left:       8 of 8, enough for 19 s
  transfer:        2.00 KiB received, 1.00 KiB sent
  constant rate:   1000 datagrams/s, 25 % of them used; dummies: 0 received, 5 sent; 0 missed
  dropped:         0 without key, 0 outside the subnets, 0 unsent, 0 too big, 0 congested, 3 over the rate, 0 forged, 0 replayed

events
       9.5 s  link 'line': first key
      30.2 s  ALARM link 'line': QBER 25.0 % (3 times)
)");
  CHECK_THAT(cloisterctl::render(sample(), true), ContainsSubstring("\x1b["));
}

TEST_CASE("A link of finished keys says whose word they rest on, and no figure that nobody has", "[control]") {
  auto box = sample();
  auto& link = box.links.at(0);
  link.key_source = "external";
  link.device = "KME: answers; it had 40 more keys";
  link.block_size_bits = 0;
  link.epsilon_total = link.epsilon_budget = link.epsilon_per_block = std::nullopt;
  link.last_block->source = "external";
  link.last_block->eps_sec = link.last_block->eps_cor = std::nullopt;
  const auto shown = cloisterctl::render(box.links.at(0), false);
  CHECK_THAT(shown, ContainsSubstring("  peer:            paris, this box has keys made\n"));
  CHECK_THAT(shown, ContainsSubstring("authenticated by: keys of the KMEs, each used once; policy"));
  CHECK_THAT(shown, ContainsSubstring("  device:          KME: answers; it had 40 more keys\n"));
  CHECK_THAT(shown, ContainsSubstring("what they are worth is its word\n  rates:           82.0 kbit/s secret\n"));
  CHECK_THAT(shown, ContainsSubstring("0 dropped, 0 burnt\n"));
  CHECK_THAT(shown, ContainsSubstring("330000 of finished keys; no epsilon: what they are worth is the KMEs' word\n"));
  CHECK_THAT(shown, ContainsSubstring("  epsilon:         not known: others make the keys\n"));
  for (const auto* const nothing : {"QBER", "information-theoretic", "leaked", "e-1", "transmitter"})
    CHECK(shown.find(nothing) == std::string::npos);
  CHECK_THAT(pretty_json(box), ContainsSubstring("\"epsilon_total\": null"));
}

TEST_CASE("A link that nothing may bootstrap says what is wrong with the vouchers", "[control]") {
  auto status = sample();
  auto& link = status.links.at(0);
  link.trust_seconds_left = 86400;
  CHECK_THAT(cloisterctl::render(status, false), ContainsSubstring("bootstrap by:    PSK\n"));
  link.trust_seconds_left = 0;
  CHECK_THAT(cloisterctl::render(status, false),
             ContainsSubstring("bootstrap by:    nothing: the vouchers have ended\n"));
  link.trust_problem = "'/etc/cloister/paris.oslo.voucher' cannot be read: No such file or directory";
  CHECK_THAT(cloisterctl::render(status, false),
             ContainsSubstring("nothing: '/etc/cloister/paris.oslo.voucher' cannot be read"));
}

TEST_CASE("The socket answers, is open to all who may ask, goes with the service, and a dead one is taken over",
          "[control]") {
  const Directory directory;
  const std::string path = directory.path + "/control.sock";
  for (int life = 0; life < 2; ++life) {
    boost::asio::io_context io;
    auto server = Server::open(io, path, [](const Question&, unsigned) { return encode_answer(sample()); });
    REQUIRE(server);
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07U) == 06U);
    auto work = boost::asio::make_work_guard(io);
    std::jthread thread{[&io] { io.run(); }};
    const auto status = fetch_status(path);
    REQUIRE(status);
    CHECK(status->box == "geneva");
    io.stop();
    thread.join();
    server->reset();
    CHECK_FALSE(std::filesystem::exists(path));
    if (life == 0) {  // as a crash would leave it
      boost::asio::local::stream_protocol::acceptor dead{io, path};
    }
  }
}

TEST_CASE("Whoever asks for zeroize is told when it is done, by whoever has ended the rest; a status never asks for it",
          "[control]") {
  const Directory directory;
  const std::string path = directory.path + "/control.sock";
  CHECK(service_absent(path));
  for (const bool fails : {false, true}) {
    boost::asio::io_context io;
    std::optional<HeldClient> held;
    auto server = Server::open(
        io, path, [](const Question&, unsigned) { return encode_answer(sample()); },
        [&](Request request, HeldClient client) {
          CHECK(request == Request::zeroize);
          held.emplace(std::move(client));
          io.stop();
        });
    REQUIRE(server);
    CHECK_FALSE(service_absent(path));
    std::expected<void, Failure> done;
    std::jthread client{[&] {
      CHECK(fetch_status(path));
      done = tell(path, {.request = Request::zeroize, .name = {}, .subject = {}});
    }};
    io.run();
    REQUIRE(held);
    CHECK(held->user() == ::geteuid());
    server->reset();
    held->answer(fails ? encode_error("the TPM is gone") : encode_done());
    held.reset();
    client.join();
    CHECK(done.has_value() == !fails);
    if (fails) CHECK_THAT(done.error().message, ContainsSubstring("the TPM is gone"));
  }
  CHECK(service_absent(path));
  CHECK_FALSE(decode_done(R"({"ok": false})"));
  CHECK_FALSE(decode_done("{}"));
}

TEST_CASE("A service that has nothing to destroy refuses zeroize", "[control]") {
  const Directory directory;
  const std::string path = directory.path + "/control.sock";
  boost::asio::io_context io;
  const auto server = Server::open(io, path, [](const Question&, unsigned) { return std::string{}; });
  REQUIRE(server);
  auto work = boost::asio::make_work_guard(io);
  std::jthread thread{[&io] { io.run(); }};
  const auto done = tell(path, {.request = Request::zeroize, .name = {}, .subject = {}});
  io.stop();
  REQUIRE_FALSE(done);
  CHECK_THAT(done.error().message, ContainsSubstring("nothing was done"));
}

TEST_CASE("Without a service the client says which socket and what to do", "[control]") {
  const auto status = fetch_status("/nonexistent/control.sock");
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == Failure::Kind::service_absent);
  CHECK_THAT(status.error().message, ContainsSubstring("/nonexistent/control.sock") && ContainsSubstring("cloisterd"));
  boost::asio::io_context io;
  CHECK_FALSE(Server::open(io, "/nonexistent/control.sock", [](const Question&, unsigned) { return std::string{}; }));
  CHECK_FALSE(
      Server::open(io, "/tmp/" + std::string(200, 'x'), [](const Question&, unsigned) { return std::string{}; }));
}

}  // namespace
}  // namespace cloister::control
