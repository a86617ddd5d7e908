// What a fibre, its ends, its panel and its sockets refuse.
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "running_fibre.hpp"

using namespace cloister::hal;
using namespace cloister::hal::test;

TEST_CASE("ends that disagree are both refused and told why") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  static_cast<void>(ends.next_frame());
  auto other = fibre.config();
  other.z_probability = 0.5;
  ends.connect_receiver(other);
  CHECK(failure_of(*ends.receiver).contains("disagree about z_probability: transmitter 0.9, receiver 0.5"));
  CHECK(failure_of(*ends.transmitter).contains("disagree about z_probability"));
}

TEST_CASE("a second transmitter is refused and the first goes on") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  auto second = simulator::open_transmitter(fibre.config(), ends.random);
  REQUIRE(second);
  REQUIRE((*second)->start());
  CHECK(failure_of(**second).contains("another transmitter is already connected"));
  CHECK(ends.next_frame().epoch == 100);
}

TEST_CASE("a fibre that goes is an error that names it") {
  RunningFibre fibre;
  const auto config = fibre.config();
  Ends ends{config};
  static_cast<void>(ends.next_frame());
  fibre.stop();
  const auto expected = "fibre '" + config.socket_path + "' closed the connection: is cloister-fibre running?";
  CHECK(failure_of(*ends.receiver) == expected);
  CHECK(failure_of(*ends.transmitter) == expected);
  const auto absent = simulator::open_receiver(config);
  REQUIRE_FALSE(absent);
  CHECK(absent.error().message.ends_with("is cloister-fibre running?"));
}

TEST_CASE("bytes that are no message end a fibre's connection with a reason, and only that one") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  struct Case {
    const char* why;
    std::vector<std::byte> bytes;
  };
  for (const auto& [why, bytes] : std::to_array<Case>({
           {"unknown type", std::vector(8, std::byte{0xff})},
           {"message of 4194340 bytes", {std::byte{0x1c}, {}, std::byte{0x40}, {}, std::byte{5}, {}, {}, {}}},
           {"does not send", encode(simulator::Start{1})},
           {"light from what is not", std::vector<std::byte>{std::byte{32},
                                                             {},
                                                             {},
                                                             {},
                                                             std::byte{2},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {},
                                                             {}}},
       })) {
    INFO(why);
    auto socket = simulator::connect_local(fibre.config().socket_path);
    REQUIRE(socket);
    simulator::Connection connection{std::move(*socket), 4096};
    connection.send(bytes);
    REQUIRE(wait_readable(connection.descriptor()));
    connection.read();
    const auto reply = connection.next();
    REQUIRE(reply);
    REQUIRE(*reply);
    REQUIRE(std::holds_alternative<simulator::Refused>(**reply));
    CHECK(std::get<simulator::Refused>(**reply).reason.contains(why));
  }
  CHECK(ends.next_frame().epoch == 100);
}

TEST_CASE("a device refuses what a fibre must not send") {
  struct Case {
    const char* why;
    std::vector<std::vector<std::byte>> messages;
  };
  const std::array clicks{simulator::pack(5, Basis::z, 0, false), simulator::pack(5, Basis::z, 1, false)};
  const simulator::Detections head{.epoch = 1, .first = 0, .slots = 100, .lost = 0, .packed = {}};
  const auto start = encode(simulator::Start{1});
  for (const auto& [why, messages] : std::to_array<Case>({
           {"does not belong to the epoch", {encode(head, {})}},
           {"does not belong to the epoch", {start, encode(head, {}), encode(head, {})}},
           {"does not belong to the epoch", {encode(simulator::Start{2}), encode(head, {})}},
           {"do not ascend", {start, encode(head, clicks)}},
           {"began twice", {start, start}},
           {"not for this end", {start, encode(simulator::Progress{.epoch = 1, .slots = 5})}},
           {"not for this end", {start, encode(simulator::Weakened{.from = 1, .part = 0.5})}},
           {"unknown type", {start, std::vector(8, std::byte{0xff})}},
       })) {
    INFO(why);
    const TemporaryFolder folder;
    const auto listener = simulator::LocalListener::open(folder.file("fibre"));
    REQUIRE(listener);
    const auto receiver = simulator::open_receiver({.socket_path = folder.file("fibre")});
    REQUIRE(receiver);
    simulator::Connection connection{listener->accept(), 4096};
    for (const auto& message : messages) connection.send(message);
    CHECK(failure_of(**receiver).contains(why));
  }
}

TEST_CASE("the control socket answers each line, and bad ones with an error") {
  RunningFibre fibre;
  struct Case {
    const char* request;
    const char* answer;
  };
  for (const auto& [request, answer] : std::to_array<Case>({
           {R"({"command":"status"})", R"("epoch":null)"},
           {R"({"command":"cut","on":true})", R"("cut":true)"},
           {R"({"command":"cut","on":false})", R"("cut":false)"},
           {R"({"command":"eve","attack":"intercept-resend"})", R"("basis":"random")"},
           {R"({"command":"eve","attack":"intercept-resend","fraction":0.5,"basis":"z"})", R"("basis":"z")"},
           {R"({"command":"eve","attack":"none"})", R"("eve":{"attack":"none"})"},
           {R"({"command":"eve","attack":"intercept-resend","fraction":1.5})", R"({"error":"'fraction')"},
           {R"({"command":"eve","attack":"intercept-resend","basis":"y"})", R"({"error":"'basis')"},
           {R"({"command":"eve","attack":"laser"})", R"({"error":"unknown attack)"},
           {R"({"command":"cut","on":"yes"})", R"({"error":"'on')"},
           {R"({"command":"eve","attack":"photon-number-splitting","keeps_rate":false})", R"("keeps_rate":false)"},
           {R"({"command":"eve","attack":"photon-number-splitting","keeps_rate":1})", R"({"error":"'keeps_rate')"},
           {R"({"command":"eve","attack":"blinding","fraction":0.5})", R"("attack":"blinding")"},
           {R"({"command":"eve","attack":"blinding","fraction":-1})", R"({"error":"'fraction')"},
           {R"({"command":"eve","attack":"blinding","pulsed":true})", R"("pulsed":true)"},
           {R"({"command":"eve","attack":"time-shift","shift_ps":500})", R"("attack":"time-shift")"},
           {R"({"command":"eve","attack":"time-shift","shift_ps":2e6})", R"({"error":"'shift_ps')"},
           {R"({"command":"eve","attack":"beam-splitting"})", R"("attack":"beam-splitting")"},
           {R"({"command":"eve","attack":"laser-seeding"})", R"("attack":"laser-seeding")"},
           {R"({"command":"eve","attack":"laser-seeding","gain":0.5})", R"({"error":"'gain')"},
           {R"({"command":"eve","attack":"trojan-horse","photons":2})", R"("attack":"trojan-horse")"},
           {R"({"command":"eve","attack":"trojan-horse","photons":-1})", R"({"error":"'photons')"},
           {R"({"command":"silence","on":true})", R"("silence":true)"},
           {R"({"command":"silence"})", R"({"error":"'silence' needs)"},
           {R"({"command":"randomness","part":0.5})", R"("weak_randomness":5E-1)"},
           {R"({"command":"randomness","part":2})", R"({"error":"'part')"},
           {R"({"command":"noise","per_slot":1e-4})", R"("noise":1E-4)"},
           {R"({"command":"noise"})", R"({"error":"'noise' needs)"},
           {R"({"command":"noise","per_slot":2})", R"({"error":"'noise')"},
           {R"({"command":"sync","shift":3})", R"("sync_shift":3)"},
           {R"({"command":"sync","shift":101})", R"({"error":"'shift')"},
           {R"({"command":"replay","on":true})", R"("replay":true)"},
           {R"({"command":"sing"})", R"({"error":"unknown command)"},
           {R"([])", R"({"error":"not one line)"},
           {R"(hello)", R"({"error":"not one line)"},
       })) {
    const auto reply = fibre.ask(request);
    INFO(request);
    REQUIRE(reply);
    INFO(*reply);
    CHECK(reply->contains(answer));
  }
}

TEST_CASE("a socket in use, a path too long and a file in the way are refused; a dead socket is taken over") {
  const TemporaryFolder folder;
  const auto path = folder.file("socket");
  {
    const auto first = simulator::LocalListener::open(path);
    REQUIRE(first);
    const auto second = simulator::LocalListener::open(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().message.contains("is in use"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  const auto too_long = simulator::LocalListener::open(folder.file(std::string(120, 'x')));
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().message.contains("at most 107"));
  {
    std::ofstream{path} << "precious";
  }
  CHECK_FALSE(simulator::LocalListener::open(path));
  CHECK(std::filesystem::file_size(path) == 8);
  const auto dead = folder.file("dead");
  {
    const auto dying = simulator::LocalListener::open(dead);
    REQUIRE(dying);
    std::filesystem::rename(dead, folder.file("kept"));  // so that nobody removes it
  }
  CHECK(simulator::LocalListener::open(folder.file("kept")));
}
