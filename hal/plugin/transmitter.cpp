#include <algorithm>
#include <bit>
#include <cstring>
#include <format>
#include <utility>

#include "hal/plugin/library_process.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/plugin/readings_parser.hpp"
#include "hal/plugin/symbol_window.hpp"

namespace cloister::hal::plugin {

namespace {

class PluginTransmitter final : public Transmitter {
 public:
  explicit PluginTransmitter(LibraryProcess library) : library_{std::move(library)} {}

  Result<> start() override { return library_.start(); }
  int descriptor() const override { return library_.descriptor(); }
  Capabilities capabilities() const override { return library_.capabilities(); }

  Telemetry telemetry() const override {
    Telemetry telemetry;
    telemetry.slots = sent_;
    telemetry.epoch = epoch_.value_or(0);
    telemetry.running = library_.running();
    telemetry.state = library_.state();
    return telemetry;
  }

  Result<> on_readable() override {
    const auto now = std::chrono::steady_clock::now();
    if (auto well = library_.look(now); !well) return well;
    if (!nonsense_.empty()) return library_.broken("gave nonsense: " + nonsense_);
    readings_left_ = readings_kept;
    const auto& header = library_.ring().header();
    if (!library_.opened() || header.epochs.load(std::memory_order_acquire) == 0) return {};
    const Epoch epoch = header.epoch.load(std::memory_order_acquire);
    const auto sent = header.sent.load(std::memory_order_acquire);
    // Between the two an epoch may have begun; the next look sees both.
    if (header.epoch.load(std::memory_order_acquire) != epoch) return {};
    if (epoch != epoch_) released_ = 0;
    if (epoch == epoch_ && sent < sent_)
      return library_.broken(std::format("counts back: {} slots sent after {}", sent, sent_));
    epoch_ = epoch;
    sent_ = sent;
    if (auto kept = library_.pace().slots(epoch, sent, now); !kept) return library_.broken(kept.error().message);
    return {};
  }

  Result<> symbols(Epoch epoch, std::span<const Slot> slots, std::span<Symbol> out) override {
    require(out.size() == slots.size(), "one symbol per slot");
    if (!slots.empty() && epoch == epoch_ && slots.front() < released_)
      return fail(std::format("slot {} has been released, as all before {}", slots.front(), released_));
    if (auto read = read_symbols(library_.ring(), epoch, slots, out); !read) return read;
    const auto intensities = library_.ring().order().intensities;
    if (std::ranges::all_of(out, [&](const Symbol& symbol) { return symbol.intensity < intensities; })) return {};
    nonsense_ = "symbols of an intensity that there is not";
    return fail("the device's library gave symbols that are none");
  }

  /// What was overwritten meanwhile is lost, and nobody vouches for its light.
  std::optional<TransmitterReadings> take_readings() override {
    const auto& written = library_.ring().header().readings;
    while (library_.opened() && readings_left_ > 0 && readings_taken_ != written.load(std::memory_order_acquire)) {
      --readings_left_;
      const auto behind = written.load(std::memory_order_acquire) - readings_taken_;
      if (behind > readings_kept) readings_taken_ += behind - readings_kept;
      const auto number = readings_taken_++;
      KeptReadings own;
      const auto all = library_.ring().body().last(readings_kept * sizeof own);
      std::memcpy(&own, all.subspan((number % readings_kept) * sizeof own).data(), sizeof own);
      if (written.load(std::memory_order_acquire) - number >= readings_kept) continue;
      auto readings = parse_readings(own, library_.meters());
      if (readings) return *readings;
      nonsense_ = readings.error().message;
      return std::nullopt;
    }
    return std::nullopt;
  }

  void release(Epoch epoch, Slot before) override {
    if (epoch == epoch_ && before > released_) released_ = before;
  }

 private:
  LibraryProcess library_;
  std::optional<Epoch> epoch_;
  std::uint64_t sent_ = 0;
  Slot released_ = 0;
  std::uint64_t readings_taken_ = 0;
  std::uint64_t readings_left_ = 0;  // that may still be taken before the next look
  std::string nonsense_;             // found by a look-up, told at the next look
};

}  // namespace

Result<std::unique_ptr<Transmitter>> open_transmitter(const PluginConfig& config) {
  auto order = order_of(config.source, CLOISTER_HAL_TRANSMITTER, !config.node.empty());
  order.window_slots = window_slots_at(config.source.clock_hz);
  auto library = LibraryProcess::prepare(config, order);
  if (!library) return std::unexpected{std::move(library.error())};
  return std::make_unique<PluginTransmitter>(std::move(*library));
}

}  // namespace cloister::hal::plugin
