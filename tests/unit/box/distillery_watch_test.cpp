// The thread of the device, with a real fibre: an alarm of the watch reaches the link's owner, once, and goes by itself.
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/box/distillery.hpp"
#include "tests/unit/hal/running_fibre.hpp"

namespace cloister::box {
namespace {

using namespace std::chrono_literals;

/// What a distillery says of its device, while the other end of the fibre is kept going.
class Watched {
 public:
  /// `other`: takes what has come to the other end.
  Watched(DeviceFactory factory, std::function<void()> other)
      : other_{std::move(other)},
        distillery_{io_,
                    distill::Parameters{},
                    std::move(factory),
                    0ms,
                    {.action = [](std::uint64_t, const distill::Action&) {},
                     .protocol_error = [](std::uint64_t, const std::string&) {},
                     .figures = [](const distill::Figures&, const DeviceReport&) {},
                     .device_lost = [](const std::string&) {},
                     .device_found = [] {},
                     .device_suspect = [this](const std::string& why) { suspicions.push_back(why); },
                     .device_trusted = [this] { ++trusted; }}} {}

  template <class Happened>
  bool until(Happened happened) {
    for (const auto end = std::chrono::steady_clock::now() + 60s;
         !happened() && std::chrono::steady_clock::now() < end;) {
      io_.restart();
      io_.run_for(50ms);
      other_();
    }
    return happened();
  }

  std::vector<std::string> suspicions;
  int trusted = 0;

 private:
  boost::asio::io_context io_;
  std::function<void()> other_;
  Distillery distillery_;
};

TEST_CASE("A receiver whose detectors are blinded is suspect until they are not", "[box]") {
  hal::test::RunningFibre fibre;
  crypto::SystemRandom random;
  auto transmitter = hal::simulator::open_transmitter(fibre.config(), random);
  REQUIRE(transmitter);
  REQUIRE((*transmitter)->start());
  Watched box{
      {.transmitter = {}, .receiver = [config = fibre.config()] { return hal::simulator::open_receiver(config); }},
      [&] {
        while (hal::test::wait_readable((*transmitter)->descriptor(), 0ms)) REQUIRE((*transmitter)->on_readable());
      }};
  REQUIRE(fibre.ask(R"({"command":"eve","attack":"blinding"})"));
  REQUIRE(box.until([&] { return !box.suspicions.empty(); }));
  CHECK(box.suspicions[0].contains("blinded"));
  REQUIRE(fibre.ask(R"({"command":"eve","attack":"none"})"));
  REQUIRE(box.until([&] { return box.trusted > 0; }));
  CHECK(box.suspicions.size() == 1);
}

TEST_CASE(
    "A transmitter that somebody shines into, whose meters fall silent or whose randomness fails is suspect until all "
    "is well",
    "[box]") {
  struct Case {
    const char* begin;
    const char* end;
    const char* found;
  };
  const auto& [begin, end, found] = GENERATE(values<Case>({
      {R"({"command":"eve","attack":"trojan-horse"})", R"({"command":"eve","attack":"none"})", "reads its settings"},
      {R"({"command":"silence","on":true})", R"({"command":"silence","on":false})", "says nothing"},
      {R"({"command":"randomness","part":0.9})", R"({"command":"randomness","part":0})", "randomness has failed"},
  }));
  INFO(begin);
  hal::test::RunningFibre fibre;
  const auto receiver = hal::simulator::open_receiver(fibre.config());
  REQUIRE(receiver);
  REQUIRE((*receiver)->start());
  Watched box{{.transmitter = [config = fibre.config()](
                                  crypto::Random& random) { return hal::simulator::open_transmitter(config, random); },
               .receiver = {}},
              [&] {
                while (hal::test::wait_readable((*receiver)->descriptor(), 0ms)) {
                  REQUIRE((*receiver)->on_readable());
                  while ((*receiver)->next_frame().value()) {
                  }
                }
              }};
  REQUIRE(fibre.ask(begin));
  REQUIRE(box.until([&] { return !box.suspicions.empty(); }));
  CHECK(box.suspicions[0].contains(found));
  REQUIRE(fibre.ask(end));
  REQUIRE(box.until([&] { return box.trusted > 0; }));
}

}  // namespace
}  // namespace cloister::box
