#include <algorithm>
#include <utility>

#include "hal/simulator/box_end.hpp"
#include "hal/simulator/simulator.hpp"

namespace cloister::hal::simulator {

namespace {

/// Clicks per second, over windows of one second of slots: the receiver's only clock is its slots.
class ClickRate {
 public:
  void count(const DetectionFrame& frame, double clock_hz) {
    clicks_ += frame.detections.size();
    slots_ += frame.slots;
    const auto seconds = static_cast<double>(slots_) / clock_hz;
    if (seconds < 1 && full_window_) return;
    per_second_ = static_cast<double>(clicks_) / seconds;
    if (seconds < 1) return;
    *this = ClickRate{per_second_};
  }
  double per_second() const { return per_second_; }
  ClickRate() = default;

 private:
  explicit ClickRate(double per_second) : per_second_{per_second}, full_window_{true} {}
  double per_second_ = 0;
  std::uint64_t clicks_ = 0;
  std::uint64_t slots_ = 0;
  bool full_window_ = false;
};

class SimulatedReceiver final : public Receiver {
 public:
  explicit SimulatedReceiver(BoxEnd end) : end_{std::move(end)} {}

  Result<> start() override {
    end_.say_hello();
    return {};
  }
  int descriptor() const override { return end_.descriptor(); }
  Result<> on_readable() override { return end_.read(); }
  Capabilities capabilities() const override { return end_.capabilities(); }

  Telemetry telemetry() const override {
    return {.clicks_per_second = end_.running() ? rate_.per_second() : 0,
            .detections = detections_,
            .double_clicks = double_clicks_,
            .lost_detections = lost_in_past_epochs_ + lost_in_epoch_,
            .slots = end_.slots(),
            .epoch = end_.epoch().value_or(0),
            .running = end_.running(),
            .state = end_.state()};
  }

  Result<std::optional<DetectionFrame>> next_frame() override {
    auto message = end_.next();
    for (; message && *message && std::holds_alternative<ReceiverReadings>(**message); message = end_.next())
      readings_ = std::get<ReceiverReadings>(**message);
    if (!message) return std::unexpected{std::move(message.error())};
    begin_epoch();
    if (!*message) return std::nullopt;
    const auto& detections = std::get<Detections>(**message);
    if (!end_.running() || detections.epoch != end_.epoch() || detections.first < end_.slots() ||
        detections.lost < lost_in_epoch_)
      return end_.broken("a frame that does not belong to the epoch");
    auto frame = unpack(detections);
    if (!frame) return end_.broken(frame.error().message);
    end_.advance_to(frame->first + frame->slots);
    lost_in_epoch_ = detections.lost;
    detections_ += frame->detections.size();
    double_clicks_ += static_cast<std::uint64_t>(
        std::ranges::count_if(frame->detections, [](const Detection& click) { return click.double_click; }));
    rate_.count(*frame, end_.settings().clock_hz);
    return std::move(*frame);
  }

  std::optional<ReceiverReadings> take_readings() override { return std::exchange(readings_, std::nullopt); }

 private:
  void begin_epoch() {
    if (counted_epoch_ == end_.epoch()) return;
    counted_epoch_ = end_.epoch();
    lost_in_past_epochs_ += std::exchange(lost_in_epoch_, 0);
    rate_ = ClickRate{};
  }

  BoxEnd end_;
  ClickRate rate_;
  std::optional<ReceiverReadings> readings_;
  std::optional<Epoch> counted_epoch_;
  std::uint64_t detections_ = 0;
  std::uint64_t double_clicks_ = 0;
  std::uint64_t lost_in_past_epochs_ = 0;
  std::uint64_t lost_in_epoch_ = 0;
};

}  // namespace

Result<std::unique_ptr<Receiver>> open_receiver(const SimulatorConfig& config) {
  auto end = BoxEnd::open(config, Role::receiver);
  if (!end) return std::unexpected{std::move(end.error())};
  return std::make_unique<SimulatedReceiver>(std::move(*end));
}

}  // namespace cloister::hal::simulator
