#include <cstring>
#include <utility>

#include "hal/plugin/frame_parser.hpp"
#include "hal/plugin/library_process.hpp"
#include "hal/plugin/plugin.hpp"
#include "hal/plugin/readings_parser.hpp"

namespace cloister::hal::plugin {

namespace {

class PluginReceiver final : public Receiver {
 public:
  explicit PluginReceiver(LibraryProcess library) : library_{std::move(library)} {}

  Result<> start() override { return library_.start(); }
  int descriptor() const override { return library_.descriptor(); }
  Capabilities capabilities() const override { return library_.capabilities(); }

  Result<> on_readable() override {
    left_ = frames_in_ring;
    return library_.look(std::chrono::steady_clock::now());
  }

  Telemetry telemetry() const override {
    return {.clicks_per_second = library_.running() ? per_second_ : 0,
            .detections = detections_,
            .double_clicks = double_clicks_,
            .lost_detections = lost_in_past_epochs_ + lost_in_epoch_,
            .slots = next_slot_,
            .epoch = epoch_.value_or(0),
            .running = library_.running(),
            .state = library_.state()};
  }

  Result<std::optional<DetectionFrame>> next_frame() override {
    const auto& header = library_.ring().header();
    const auto waiting = header.produced.load(std::memory_order_acquire) - taken_;
    // After a failure no frame is taken from it: the library is told apart from the hardware by nothing else.
    if (!library_.opened() || waiting == 0 || left_ == 0) return std::nullopt;
    if (waiting > frames_in_ring) return library_.broken("says it has written more frames than the ring holds");
    --left_;
    copy_frame();
    auto read = parse_frame(own_);
    if (!read) return library_.broken("gave nonsense: " + read.error().message);
    if (auto follows = order_.follows(*read); !follows)
      return library_.broken("gave nonsense: " + follows.error().message);
    if (auto kept = keeps_pace(*read); !kept) return library_.broken(kept.error().message);
    library_.ring().header().consumed.store(++taken_, std::memory_order_release);
    auto readings = parse_readings(written_, read->frame, library_.meters());
    if (!readings) return library_.broken("gave nonsense: " + readings.error().message);
    readings_ = *readings;
    count(*read);
    return std::move(read->frame);
  }

  std::optional<ReceiverReadings> take_readings() override { return std::exchange(readings_, std::nullopt); }

 private:
  /// Once: what is checked afterwards cannot be changed by anyone else.
  void copy_frame() {
    const auto& order = library_.ring().order();
    const auto place =
        library_.ring().body().subspan((taken_ % frames_in_ring) * frame_bytes(order), frame_bytes(order));
    FrameHead head;
    std::memcpy(&head, place.data(), sizeof head);
    const auto clicks = std::min<std::uint64_t>(head.detection_count, order.detections_max);
    own_.resize(sizeof head + clicks * sizeof(cloister_hal_detection));
    std::memcpy(own_.data(), place.data(), own_.size());
    std::memcpy(&written_, place.last(sizeof written_).data(), sizeof written_);
  }

  Result<> keeps_pace(const ReadFrame& read) {
    const auto& frame = read.frame;
    auto& pace = library_.pace();
    return pace.slots(frame.epoch, frame.first + frame.slots, std::chrono::steady_clock::now()).and_then([&] {
      return pace.clicks(frame.detections.size(), frame.slots, library_.detections_per_second_max());
    });
  }

  void count(const ReadFrame& read) {
    const auto& frame = read.frame;
    if (epoch_ != frame.epoch) {
      epoch_ = frame.epoch;
      lost_in_past_epochs_ += std::exchange(lost_in_epoch_, 0);
      window_clicks_ = window_slots_ = 0;
    }
    lost_in_epoch_ = read.lost;
    next_slot_ = frame.first + frame.slots;
    detections_ += frame.detections.size();
    double_clicks_ += read.double_clicks;
    window_clicks_ += frame.detections.size();
    window_slots_ += frame.slots;
    const double seconds = static_cast<double>(window_slots_) / library_.capabilities().clock_hz;
    if (seconds < 1) return;
    per_second_ = static_cast<double>(window_clicks_) / seconds;
    window_clicks_ = window_slots_ = 0;
  }

  LibraryProcess library_;
  FrameOrder order_;
  crypto::SecretVector<std::byte> own_;
  cloister_hal_receiver_readings written_{};
  std::optional<ReceiverReadings> readings_;
  std::uint64_t taken_ = 0;
  std::uint64_t left_ = 0;  // frames that may still be taken before the next look
  std::optional<Epoch> epoch_;
  Slot next_slot_ = 0;
  std::uint64_t detections_ = 0;
  std::uint64_t double_clicks_ = 0;
  std::uint64_t lost_in_past_epochs_ = 0;
  std::uint64_t lost_in_epoch_ = 0;
  std::uint64_t window_clicks_ = 0;
  std::uint64_t window_slots_ = 0;
  double per_second_ = 0;
};

}  // namespace

Result<std::unique_ptr<Receiver>> open_receiver(const PluginConfig& config) {
  auto order = order_of(config.source, CLOISTER_HAL_RECEIVER, !config.node.empty());
  order.frame_slots = frames_in_ring;
  order.detections_max = detections_in_frame_max;
  auto library = LibraryProcess::prepare(config, order);
  if (!library) return std::unexpected{std::move(library.error())};
  return std::make_unique<PluginReceiver>(std::move(*library));
}

}  // namespace cloister::hal::plugin
