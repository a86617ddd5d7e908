// What the process of a vendor's library writes into the shared ring: frames, symbols and texts of any bytes are frames,
// symbols and texts, or an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hal/plugin/frame_parser.hpp"
#include "hal/plugin/readings_parser.hpp"
#include "hal/plugin/symbol_window.hpp"

namespace {

using namespace cloister;
using namespace cloister::hal::plugin;

void read_frames(std::span<const std::byte> bytes) {
  FrameOrder order;
  while (!bytes.empty()) {
    const auto read = parse_frame(bytes);
    if (!read) return;
    const auto& frame = read->frame;
    hal::Slot next = frame.first;
    for (const auto& click : frame.detections) {
      require(click.slot >= next && click.slot - frame.first < frame.slots, "clicks ascend inside their frame");
      require(click.bit <= 1 && click.basis <= hal::Basis::x, "a click is a bit in a basis");
      next = click.slot + 1;
    }
    require(read->double_clicks <= frame.detections.size(), "double clicks are clicks");
    if (!order.follows(*read)) return;
    bytes = bytes.subspan(sizeof(FrameHead) + frame.detections.size() * sizeof(cloister_hal_detection));
  }
}

/// The input's beginning lies over the readings.
template <class Written>
Written written_as(std::span<const std::byte> bytes) {
  Written written{};
  std::ranges::copy(bytes.first(std::min(bytes.size(), sizeof written)),
                    std::as_writable_bytes(std::span{&written, 1}).begin());
  return written;
}

void read_readings(std::span<const std::byte> bytes) {
  const hal::DetectionFrame frame{.epoch = 1, .first = 0, .slots = 100'000, .detections = {}};
  const auto received = parse_readings(written_as<cloister_hal_receiver_readings>(bytes), frame, receiver_meters);
  if (received && *received) require((*received)->clicks <= frame.slots, "clicks are in slots");
  if (const auto sent = parse_readings(written_as<KeptReadings>(bytes), transmitter_meters))
    require(sent->slots > 0 && sent->first + sent->slots > sent->first, "readings are of slots");
}

SharedRing& window() {
  static SharedRing ring = [] {
    Order order;
    order.intensities = 2;
    order.window_slots = 1024;
    auto made = SharedRing::make(order);
    require(made.has_value(), "a ring can be made");
    return std::move(*made);
  }();
  return ring;
}

/// The input lies over the header and the symbols as a hostile process would leave it; its start says what is looked up.
void read_window(std::span<const std::byte> bytes) {
  auto& ring = window();
  const std::span shared{reinterpret_cast<std::byte*>(&ring.header()), header_bytes + ring.body().size()};
  std::ranges::fill(shared, std::byte{});
  std::ranges::copy(bytes.first(std::min(bytes.size(), shared.size())), shared.begin());
  std::vector<hal::Slot> slots(std::min<std::size_t>(bytes.size() / sizeof(hal::Slot), 64));
  std::ranges::copy(bytes.first(slots.size() * sizeof(hal::Slot)), std::as_writable_bytes(std::span{slots}).begin());
  std::ranges::sort(slots);
  std::vector<hal::Symbol> symbols(slots.size());
  if (read_symbols(ring, ring.header().epoch, slots, symbols))
    for (const auto& symbol : symbols) require(symbol.bit <= 1 && symbol.intensity < 4, "a symbol is one");
  for (const auto* text : {&ring.header().name, &ring.header().status, &ring.header().said})
    require(std::ranges::all_of(text_of(*text), [](char c) { return c >= ' ' && c <= '~'; }), "texts are printable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  read_frames(bytes);
  read_readings(bytes);
  if (!bytes.empty()) read_window(bytes);
  return 0;
}
