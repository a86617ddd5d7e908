// What a vendor's process writes becomes frames and symbols, or an error; under no process and no clock.

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "hal/plugin/frame_parser.hpp"
#include "hal/plugin/pace.hpp"
#include "hal/plugin/symbol_window.hpp"

namespace cloister::hal::plugin {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> bytes_of(const FrameHead& head, const std::vector<cloister_hal_detection>& clicks) {
  std::vector<std::byte> bytes(sizeof head + clicks.size() * sizeof(cloister_hal_detection));
  std::memcpy(bytes.data(), &head, sizeof head);
  if (!clicks.empty()) std::memcpy(bytes.data() + sizeof head, clicks.data(), bytes.size() - sizeof head);
  return bytes;
}

TEST_CASE("A frame's clicks come out at their slots", "[hal][plugin]") {
  const auto read = parse_frame(bytes_of({.epoch = 7, .detection_count = 2, .first_slot = 1000, .slots = 50, .lost = 3},
                                         {{0, 0, 1, 0, 0}, {49, 1, 0, CLOISTER_HAL_DOUBLE_CLICK, 0}}));
  REQUIRE(read);
  CHECK((read->frame.epoch == 7 && read->frame.first == 1000 && read->frame.slots == 50 && read->lost == 3));
  REQUIRE(read->frame.detections.size() == 2);
  const auto& [one, other] = std::tie(read->frame.detections[0], read->frame.detections[1]);
  CHECK((one.slot == 1000 && one.basis == Basis::z && one.bit == 1 && !one.double_click));
  CHECK((other.slot == 1049 && other.basis == Basis::x && other.bit == 0 && other.double_click));
  CHECK(read->double_clicks == 1);
}

TEST_CASE("A frame that is none is refused with what is wrong", "[hal][plugin]") {
  struct Case {
    std::string words;
    FrameHead head;
    std::vector<cloister_hal_detection> clicks;
  };
  const std::vector<Case> cases{
      {"0 slots", {.slots = 0}, {}},
      {"slots, expected", {.slots = plugin_frame_slots_max + 1}, {}},
      {"past the last slot", {.first_slot = UINT64_MAX, .slots = 1}, {}},
      {"at most 0 fit", {.detection_count = 1, .slots = 9}, {}},
      {"at most one a slot", {.detection_count = 2, .slots = 1}, {{0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}}},
      {"detection 1 of", {.detection_count = 2, .slots = 9}, {{4, 0, 0, 0, 0}, {4, 0, 0, 0, 0}}},
      {"offset 9 does not ascend inside its 9 slots", {.detection_count = 1, .slots = 9}, {{9, 0, 0, 0, 0}}},
      {"basis 2", {.detection_count = 1, .slots = 9}, {{0, 2, 0, 0, 0}}},
      {"bit of 0 or 1", {.detection_count = 1, .slots = 9}, {{0, 0, 2, 0, 0}}},
      {"flags 2", {.detection_count = 1, .slots = 9}, {{0, 0, 0, 2, 0}}},
      {"reserved 1", {.detection_count = 1, .slots = 9}, {{0, 0, 0, 0, 1}}},
  };
  for (const auto& [words, head, clicks] : cases) {
    const auto read = parse_frame(bytes_of(head, clicks));
    INFO(words);
    REQUIRE(!read);
    INFO(read.error().message);
    CHECK(read.error().message.contains(words));
  }
  CHECK(!parse_frame({}));
}

TEST_CASE("Frames ascend, losses grow, and a new epoch begins anew", "[hal][plugin]") {
  const auto frame = [](Epoch epoch, Slot first, std::uint64_t slots, std::uint64_t lost) {
    return ReadFrame{.frame = {.epoch = epoch, .first = first, .slots = slots, .detections = {}}, .lost = lost};
  };
  FrameOrder order;
  CHECK(order.follows(frame(1, 100, 10, 5)));
  CHECK(order.follows(frame(1, 110, 10, 5)));
  CHECK(order.follows(frame(1, 500, 10, 6)));
  CHECK(!order.follows(frame(1, 509, 10, 6)));
  CHECK(!order.follows(frame(1, 600, 10, 5)));
  CHECK(order.follows(frame(2, 0, 10, 0)));
}

TEST_CASE("Slots may pass as fast as the clock, and a second ahead of it", "[hal][plugin]") {
  const Instant start{};
  Pace pace{1e6, start};
  CHECK(pace.slots(1, 500'000, start));
  CHECK(pace.slots(1, 1'500'000, start + 10ms));
  CHECK(pace.slots(1, 10'500'000, start + 10s));
  CHECK(pace.slots(1, 11'400'000, start + 10s));
  const auto lied = pace.slots(1, 11'700'000, start + 10s);
  REQUIRE(!lied);
  CHECK(lied.error().message.contains("lies about time"));
  CHECK(!pace.slots(1, 1000, start + 10s));
}

TEST_CASE("Eight epochs in ten seconds are a bad fibre, nine are a bad library", "[hal][plugin]") {
  const Instant start{};
  Pace pace{1e6, start};
  for (Epoch epoch = 1; epoch <= 8; ++epoch) CHECK(pace.slots(epoch, 0, start + epoch * 1s));
  Pace patient = pace;
  CHECK(!pace.slots(9, 0, start + 9s));
  CHECK(patient.slots(9, 0, start + 12s));
}

TEST_CASE("A call may take three seconds, the start thirty", "[hal][plugin]") {
  const Instant start{};
  Pace pace{1e6, start};
  CHECK(pace.beat(0, false, "in open", start + 29s));
  CHECK(!pace.beat(0, false, "in open", start + 31s));
  CHECK(pace.beat(1, true, "in receive", start + 40s));
  CHECK(pace.beat(1, true, "in receive", start + 43s));
  const auto hangs = pace.beat(1, true, "in receive", start + 44s);
  REQUIRE(!hangs);
  CHECK(hangs.error().message == "hangs: it has been in receive for 3 s");
}

TEST_CASE("Detectors may click as fast as they can, and no faster", "[hal][plugin]") {
  Pace pace{1e6, Instant{}};
  for (int i = 0; i < 200; ++i) CHECK(pace.clicks(1000, 10'000, 1e5));
  bool floods = false;
  for (int i = 0; i < 200; ++i) floods |= !pace.clicks(2000, 10'000, 1e5);
  CHECK(floods);
}

/// A transmitter's ring, written as the library's process would.
struct Window {
  SharedRing ring = [] {
    Order order;
    order.role = CLOISTER_HAL_TRANSMITTER;
    order.intensities = 2;
    order.window_slots = 1024;
    auto made = SharedRing::make(order);
    REQUIRE(made);
    return std::move(*made);
  }();
  std::span<std::byte> body() {
    return {reinterpret_cast<std::byte*>(&ring.header()) + header_bytes, ring.body().size()};
  }
  void begin(std::uint32_t epoch) {
    ring.header().epoch = epoch;
    ring.header().sent = 0;
    ring.header().claimed = 0;
    ++ring.header().epochs;
  }
  void send(Slot slot, unsigned nibble) {
    auto& byte = body()[slot % 1024 / 2];
    const auto shift = slot % 2 * 4;
    byte = (byte & ~(std::byte{0xf} << shift)) | std::byte(nibble) << shift;
  }
  Result<std::vector<Symbol>> read(Epoch epoch, std::vector<Slot> slots) {
    std::vector<Symbol> symbols(slots.size());
    return read_symbols(ring, epoch, slots, symbols).transform([&] { return symbols; });
  }
};

TEST_CASE("A symbol is bit, basis and intensity from the low end of its half byte", "[hal][plugin]") {
  Window window;
  window.begin(5);
  window.send(6, 0b0001);
  window.send(7, 0b0110);
  window.ring.header().sent = 8;
  const auto symbols = window.read(5, {6, 7});
  REQUIRE(symbols);
  CHECK(((*symbols)[0].bit == 1 && (*symbols)[0].basis == Basis::z && (*symbols)[0].intensity == 0));
  CHECK(((*symbols)[1].bit == 0 && (*symbols)[1].basis == Basis::x && (*symbols)[1].intensity == 1));
}

TEST_CASE("Symbols that are not there are not given", "[hal][plugin]") {
  Window window;
  CHECK(!window.read(0, {0}));  // no epoch yet
  window.begin(5);
  window.ring.header().sent = 2000;
  window.ring.header().claimed = 2100;
  CHECK(window.read(5, {1999}));
  CHECK(window.read(5, {2100 - 1024}));
  CHECK(!window.read(5, {2100 - 1024 - 1}));  // being overwritten
  CHECK(!window.read(5, {2000}));             // not sent
  CHECK(!window.read(4, {1999}));             // another epoch
  window.ring.header().claimed = no_slot;     // an epoch is just beginning
  CHECK(!window.read(5, {1998}));
  window.ring.header().claimed = 1;  // nonsense in the header is read, and does no harm
  window.ring.header().sent = UINT64_MAX;
  CHECK(window.read(5, {UINT64_MAX - 2}));
}

TEST_CASE("A ring cannot be shortened under the service", "[hal][plugin]") {
  const Window window;
  const auto path = "/proc/self/fd/" + std::to_string(window.ring.descriptor());
  std::error_code error;
  std::filesystem::resize_file(path, 0, error);
  CHECK(error);
  CHECK(std::filesystem::file_size(path) == ring_bytes(window.ring.order()));
}

}  // namespace
}  // namespace cloister::hal::plugin
