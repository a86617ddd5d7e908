#include <deque>
#include <format>
#include <optional>
#include <utility>

#include "crypto/key_log.hpp"
#include "hal/simulator/box_end.hpp"
#include "hal/simulator/simulator.hpp"
#include "hal/simulator/symbols.hpp"

namespace cloister::hal::simulator {

namespace {

class SimulatedTransmitter final : public Transmitter {
 public:
  SimulatedTransmitter(BoxEnd end, SourceSeed seed, SymbolGenerator generator)
      : end_{std::move(end)}, light_{std::move(seed)}, generator_{std::move(generator)} {}

  Result<> start() override {
    end_.say_hello(encode(light_));
    return {};
  }
  int descriptor() const override { return end_.descriptor(); }
  Capabilities capabilities() const override { return end_.capabilities(); }

  Telemetry telemetry() const override {
    Telemetry telemetry;
    telemetry.slots = end_.slots();
    telemetry.epoch = end_.epoch().value_or(0);
    telemetry.running = end_.running();
    telemetry.state = end_.state();
    return telemetry;
  }

  Result<> on_readable() override {
    if (auto alive = end_.read(); !alive) return alive;
    for (;;) {
      auto message = end_.next();
      if (!message) return std::unexpected{std::move(message.error())};
      forget_other_epochs();
      if (!*message) return {};
      if (const auto* readings = std::get_if<TransmitterReadings>(&**message)) {
        if (readings_.size() == readings_max) readings_.pop_front();
        readings_.push_back(*readings);
        continue;
      }
      if (const auto* weakened = std::get_if<Weakened>(&**message)) {
        generator_.weaken(weakened->from, weakened->part);
        continue;
      }
      const auto& progress = std::get<Progress>(**message);
      if (!end_.running() || progress.epoch != end_.epoch() || progress.slots < end_.slots())
        return end_.broken("progress that does not belong to the epoch");
      end_.advance_to(progress.slots);
    }
  }

  std::optional<TransmitterReadings> take_readings() override {
    if (readings_.empty()) return std::nullopt;
    auto oldest = std::move(readings_.front());
    readings_.pop_front();
    return oldest;
  }

  Result<> symbols(Epoch epoch, std::span<const Slot> slots, std::span<Symbol> out) override {
    require(out.size() == slots.size(), "one symbol per slot");
    if (epoch != end_.epoch())
      return fail(std::format("epoch {} is not the transmitter's: it is in epoch {}", epoch, end_.epoch().value_or(0)));
    for (const auto slot : slots) {
      if (slot < released_) return fail(std::format("slot {} has been released, as all before {}", slot, released_));
      if (slot >= end_.slots()) return fail(std::format("slot {} has not been sent, {} have", slot, end_.slots()));
    }
    generator_.symbols(epoch, slots, out);
    return {};
  }

  void release(Epoch epoch, Slot before) override {
    if (epoch == end_.epoch() && before > released_) released_ = before;
  }

 private:
  void forget_other_epochs() {
    if (released_epoch_ == end_.epoch()) return;
    released_epoch_ = end_.epoch();
    released_ = 0;
  }

  BoxEnd end_;
  Light light_;
  SymbolGenerator generator_;
  static constexpr std::size_t readings_max = 100;
  std::deque<TransmitterReadings> readings_;
  Slot released_ = 0;
  std::optional<Epoch> released_epoch_;
};

}  // namespace

Result<std::unique_ptr<Transmitter>> open_transmitter(const SimulatorConfig& config, crypto::Random& random) {
  auto end = BoxEnd::open(config, Role::transmitter);
  if (!end) return std::unexpected{std::move(end.error())};
  SourceSeed seed;
  random.fill(seed.fill());
  crypto::log_secret("light seed", seed.expose());
  auto generator = SymbolGenerator::create(seed, end->settings());
  if (!generator) return std::unexpected{std::move(generator.error())};
  return std::make_unique<SimulatedTransmitter>(std::move(*end), std::move(seed), std::move(*generator));
}

}  // namespace cloister::hal::simulator
