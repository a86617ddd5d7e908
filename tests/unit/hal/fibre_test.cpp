// What two boxes see through a fibre: bits, errors, losses, epochs.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "running_fibre.hpp"

namespace {

using namespace cloister::hal;
using namespace cloister::hal::test;

struct Sifted {
  std::uint64_t matching = 0;
  std::uint64_t errors = 0;
  double qber() const { return static_cast<double>(errors) / static_cast<double>(matching); }
  double sigma(double rate) const { return std::sqrt(rate * (1 - rate) / static_cast<double>(matching)); }
};

Sifted sift(Ends& ends, std::uint64_t enough) {
  Sifted sifted;
  while (sifted.matching < enough) {
    const auto frame = ends.next_frame();
    std::vector<Slot> slots;
    for (const auto& detection : frame.detections) slots.push_back(detection.slot);
    std::vector<Symbol> symbols(slots.size());
    REQUIRE(ends.transmitter->symbols(frame.epoch, slots, symbols));
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (symbols[i].basis != frame.detections[i].basis) continue;
      ++sifted.matching;
      sifted.errors += symbols[i].bit != frame.detections[i].bit ? 1U : 0U;
    }
  }
  return sifted;
}

}  // namespace

TEST_CASE("bits that are sifted from a fibre differ at the misalignment rate") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  const auto sifted = sift(ends, 40'000);
  CHECK(std::abs(sifted.qber() - glass.misalignment) < 5 * sifted.sigma(glass.misalignment));
  const auto telemetry = ends.receiver->telemetry();
  CHECK(telemetry.running);
  CHECK(telemetry.lost_detections == 0);
  // 1e8 slots of 0.38 photons on average, 4 dB of fibre, 2 % efficiency: the closed form gives 302e3.
  CHECK(std::abs(telemetry.clicks_per_second - 302e3) < 10e3);
}

TEST_CASE("an eavesdropper raises the error rate to a quarter while she is there") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  const auto changed = fibre.ask(R"({"command":"eve","attack":"intercept-resend","fraction":1.0,"basis":"random"})");
  REQUIRE(changed);
  CHECK(changed->contains(R"("attack":"intercept-resend")"));
  const auto settled = ends.next_frame();
  ends.connect_receiver(fibre.config());  // nothing of before is in flight any more
  static_cast<void>(ends.next_frame_after(settled.epoch));
  const auto sifted = sift(ends, 40'000);
  CHECK(std::abs(sifted.qber() - (0.25 + glass.misalignment / 2)) < 5 * sifted.sigma(0.25));
}

TEST_CASE("a frame follows its predecessor without a gap when the receiver keeps up") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  Slot expected = 0;
  for (int i = 0; i < 20; ++i) {
    const auto frame = ends.next_frame();
    CHECK(frame.first == expected);
    expected = frame.first + frame.slots;
  }
}

TEST_CASE("a receiver that sleeps loses whole frames and is told how many clicks they held") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  REQUIRE(ends.next_frame().epoch == 100);
  // The queue of 4 MiB holds 1e6 clicks; wait until the fibre says that it is full rather than for a time.
  REQUIRE(fibre.ask(R"({"command":"status"})"));
  Ends* const both = &ends;
  while (fibre.ask(R"({"command":"status"})")->contains(R"("lost_frames":0)")) {
    while (wait_readable(both->transmitter->descriptor(), 0ms)) REQUIRE(both->transmitter->on_readable());
    std::this_thread::yield();
  }
  Slot expected = 0;
  bool gap = false;
  while (!gap) {
    const auto frame = ends.next_frame();
    gap = expected != 0 && frame.first != expected;
    expected = frame.first + frame.slots;
  }
  CHECK(ends.receiver->telemetry().lost_detections > 0);
}

TEST_CASE("symbols that were not sent, were released or are of another epoch are refused") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  const auto frame = ends.next_frame();
  auto& transmitter = *ends.transmitter;
  const auto refusal = [&](Epoch epoch, Slot slot) {
    Symbol symbol{};
    const auto result = transmitter.symbols(epoch, {&slot, 1}, {&symbol, 1});
    return result ? std::string{} : result.error().message;
  };
  CHECK(refusal(frame.epoch, frame.first) == "");
  CHECK(refusal(frame.epoch, 1ULL << 50).contains("has not been sent"));
  CHECK(refusal(frame.epoch + 1, frame.first).contains("is not the transmitter's"));
  transmitter.release(frame.epoch + 1, frame.first + 10);
  CHECK(refusal(frame.epoch, frame.first + 9) == "");
  transmitter.release(frame.epoch, frame.first + 10);
  CHECK(refusal(frame.epoch, frame.first + 9).contains("has been released"));
  CHECK(refusal(frame.epoch, frame.first + 10) == "");
}

TEST_CASE("either end that reconnects begins a new epoch at slot 0, with the other end told") {
  RunningFibre fibre;
  Ends ends{fibre.config()};
  CHECK(ends.next_frame().epoch == 100);
  ends.connect_receiver(fibre.config());
  auto frame = ends.next_frame();
  CHECK((frame.epoch == 101 && frame.first == 0));
  ends.transmitter.reset();
  while (ends.receiver->telemetry().running) {
    REQUIRE(wait_readable(ends.receiver->descriptor()));
    REQUIRE(ends.receiver->on_readable());
    for (bool more = true; more;) {
      auto next = ends.receiver->next_frame();
      REQUIRE(next);
      more = next->has_value();
    }
  }
  CHECK(ends.receiver->telemetry().state == "the transmitter has left the fibre");
  ends.connect_transmitter(fibre.config());
  frame = ends.next_frame();
  CHECK((frame.epoch == 102 && frame.first == 0));
  std::vector<Symbol> symbols(1);
  CHECK(ends.transmitter->symbols(frame.epoch, {{frame.first}}, symbols));
}
