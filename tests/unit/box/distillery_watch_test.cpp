// The thread of the device, with a real fibre: an alarm of the watch reaches the link's owner, once, and goes by itself.
#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>

#include "appliance/box/distillery.hpp"
#include "tests/unit/hal/running_fibre.hpp"

namespace cloister::box {
namespace {

using namespace std::chrono_literals;

TEST_CASE("A receiver whose detectors are blinded is suspect until they are not", "[box]") {
  hal::test::RunningFibre fibre;
  crypto::SystemRandom random;
  auto transmitter = hal::simulator::open_transmitter(fibre.config(), random);
  REQUIRE(transmitter);
  REQUIRE((*transmitter)->start());

  boost::asio::io_context io;
  std::vector<std::string> suspicions;
  int trusted = 0;
  const Distillery distillery{
      io,
      distill::Parameters{},
      {.transmitter = {}, .receiver = [config = fibre.config()] { return hal::simulator::open_receiver(config); }},
      {.action = [](std::uint64_t, const distill::Action&) {},
       .protocol_error = [](std::uint64_t, const std::string&) {},
       .figures = [](const distill::Figures&, const DeviceReport&) {},
       .device_lost = [](const std::string&) {},
       .device_found = [] {},
       .device_suspect = [&](const std::string& why) { suspicions.push_back(why); },
       .device_trusted = [&] { ++trusted; }}};
  const auto until = [&](auto happened) {
    for (const auto end = std::chrono::steady_clock::now() + 60s;
         !happened() && std::chrono::steady_clock::now() < end;) {
      io.restart();
      io.run_for(50ms);
      while (hal::test::wait_readable((*transmitter)->descriptor(), 0ms)) REQUIRE((*transmitter)->on_readable());
    }
    return happened();
  };
  REQUIRE(fibre.ask(R"({"command":"eve","attack":"blinding"})"));
  REQUIRE(until([&] { return !suspicions.empty(); }));
  CHECK(suspicions[0].contains("blinded"));
  REQUIRE(fibre.ask(R"({"command":"eve","attack":"none"})"));
  REQUIRE(until([&] { return trusted > 0; }));
  CHECK(suspicions.size() == 1);
}

}  // namespace
}  // namespace cloister::box
