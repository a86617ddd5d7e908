#include "hal/fibre/station.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <utility>

namespace cloister::hal::fibre {

using simulator::Connection;
using simulator::Role;
using namespace std::chrono_literals;

namespace {

constexpr double frame_seconds = 0.01;
constexpr std::uint64_t lead_frames = 10;
/// Frames made in one go to catch up; more than that slips.
constexpr int frames_per_tick_max = 10;
constexpr std::size_t ends_max = 8;
constexpr auto hello_within = 5s;
constexpr auto leave_within = 1s;
/// About a second of clicks for a receiver that is busy elsewhere.
constexpr std::size_t pending_bytes_max = std::size_t{4} << 20;
/// What an end may send us: a hello, or light.
constexpr std::size_t end_message_bytes_max = 256;

std::string_view name_of(Role role) { return role == Role::transmitter ? "transmitter" : "receiver"; }

std::chrono::nanoseconds duration_of(double slots, double clock_hz) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(slots / clock_hz * 1e9)};
}

}  // namespace

struct Station::End {
  Connection connection;
  Instant deadline;  // for its hello, later for its leaving
  std::optional<simulator::Hello> hello;
  std::optional<simulator::SourceSeed> seed;
  bool leaving = false;

  bool is_ready(Role role) const {
    return !leaving && hello && hello->role == role && (role == Role::receiver || seed);
  }
};

struct Station::Run {
  Link link;
  End& transmitter;
  End& receiver;
  Epoch epoch;
  double clock_hz;
  std::uint64_t frame_slots;
  Instant origin;  // when slot 0 would have been sent, had time never slipped
  Slot next = 0;
  StationStatus counts;
  std::uint64_t window_detections = 0;
  Slot window_first = 0;
  std::vector<std::uint32_t> packed;

  Instant due() const { return origin + duration_of(static_cast<double>(next + frame_slots), clock_hz); }
};

Station::Station(const LinkParameters& parameters, std::uint64_t dice_seed, Epoch first_epoch)
    : parameters_{parameters}, dice_{dice_seed}, next_epoch_{first_epoch} {}

Station::~Station() = default;

void Station::admit(simulator::FileDescriptor socket, Instant now) {
  auto end = std::make_unique<End>(End{.connection = Connection{std::move(socket), end_message_bytes_max},
                                       .deadline = now + hello_within,
                                       .hello = {},
                                       .seed = {}});
  if (ends_.size() < ends_max) ends_.push_back(std::move(end));
}

std::vector<pollfd> Station::descriptors() const {
  std::vector<pollfd> waits;
  for (const auto& end : ends_) {
    const short writable = end->connection.pending_bytes() > 0 ? POLLOUT : 0;
    const short readable = end->leaving ? 0 : POLLIN;
    waits.push_back(
        {.fd = end->connection.descriptor(), .events = static_cast<short>(readable | writable), .revents = 0});
  }
  return waits;
}

Station::End* Station::ready(Role role) const {
  const auto found = std::ranges::find_if(ends_, [&](const auto& end) { return end->is_ready(role); });
  return found == ends_.end() ? nullptr : found->get();
}

void Station::on_ready(int descriptor, Instant now) {
  const auto found =
      std::ranges::find_if(ends_, [&](const auto& end) { return end->connection.descriptor() == descriptor; });
  if (found == ends_.end()) return;
  End& end = **found;
  end.connection.flush();
  receive(end, now);
  if (!run_) start_run(now);
  drop_finished(now);
}

void Station::receive(End& end, Instant now) {
  end.connection.read();
  if (end.connection.closed()) {
    stop_run(end);
    end.leaving = true;
    end.deadline = now;
    return;
  }
  if (end.leaving) return;
  for (;;) {
    auto message = end.connection.next();
    if (message && !*message) return;
    auto taken = message ? take(end, std::move(**message), now) : Result<>{std::unexpected{message.error()}};
    if (!taken) return refuse(end, taken.error().message, now);
  }
}

Result<> Station::take(End& end, simulator::Message message, Instant now) {
  if (const auto* resume = std::get_if<simulator::Resume>(&message)) {
    stop_run(end);
    end.hello.reset();
    end.seed.reset();
    end.deadline = now + hello_within;
    end.connection.drop_pending();
    end.connection.send(encode(simulator::Resumed{resume->nonce}));
    return {};
  }
  if (const auto* hello = std::get_if<simulator::Hello>(&message)) {
    if (end.hello) return fail("a second hello");
    const bool taken = std::ranges::any_of(
        ends_, [&](const auto& other) { return !other->leaving && other->hello && other->hello->role == hello->role; });
    if (taken) return fail(std::format("another {} is already connected to this fibre", name_of(hello->role)));
    end.hello = *hello;
    return {};
  }
  if (auto* light = std::get_if<simulator::Light>(&message)) {
    if (!end.hello || end.hello->role != Role::transmitter || end.seed)
      return fail("light from what is not a dark transmitter");
    end.seed = std::move(light->seed);
    return {};
  }
  return fail("a message that an end does not send");
}

void Station::refuse(End& end, const std::string& reason, Instant now) {
  stop_run(end);
  end.leaving = true;
  end.deadline = now + leave_within;
  end.connection.send(encode(simulator::Refused{reason}));
  last_event_ = "refused: " + reason;
}

void Station::drop_finished(Instant now) {
  for (const auto& end : ends_) {
    if (end->leaving) continue;
    const bool waits_for_hello = !end->is_ready(Role::transmitter) && !end->is_ready(Role::receiver);
    if (waits_for_hello && now >= end->deadline) refuse(*end, "no hello within 5 seconds", now);
    if (end->connection.pending_bytes() > 2 * pending_bytes_max) refuse(*end, "this end does not read", now);
  }
  std::erase_if(ends_, [&](const auto& end) {
    return end->leaving && (now >= end->deadline || end->connection.pending_bytes() == 0);
  });
}

void Station::stop_run(const End& leaving) {
  if (!run_ || (&run_->transmitter != &leaving && &run_->receiver != &leaving)) return;
  const bool transmitter_leaves = &run_->transmitter == &leaving;
  End& other = transmitter_leaves ? run_->receiver : run_->transmitter;
  last_event_ = std::format("the {} has left the fibre", transmitter_leaves ? "transmitter" : "receiver");
  other.connection.send(encode(simulator::Stopped{last_event_}));
  run_.reset();
}

void Station::start_run(Instant now) {
  End* transmitter = ready(Role::transmitter);
  End* receiver = ready(Role::receiver);
  if (transmitter == nullptr || receiver == nullptr) return;
  const auto& settings = transmitter->hello->settings;
  auto generator = check_agreement(settings, receiver->hello->settings).and_then([&] {
    return simulator::SymbolGenerator::create(*transmitter->seed, settings);
  });
  if (!generator) {
    refuse(*transmitter, generator.error().message, now);
    refuse(*receiver, generator.error().message, now);
    return;
  }
  const auto epoch = next_epoch_++;
  run_ =
      std::make_unique<Run>(Run{.link = Link{parameters_, settings, std::move(*generator), dice_.bits()},
                                .transmitter = *transmitter,
                                .receiver = *receiver,
                                .epoch = epoch,
                                .clock_hz = settings.clock_hz,
                                .frame_slots = static_cast<std::uint64_t>(std::ceil(settings.clock_hz * frame_seconds)),
                                .origin = now,
                                .counts = {},
                                .packed = {}});
  run_->link.disturb(disturbance_);
  transmitter->connection.send(encode(simulator::Start{epoch}));
  if (weakened_)
    transmitter->connection.send(encode(simulator::Weakened{.from = 0, .part = disturbance_.weak_randomness}));
  receiver->connection.send(encode(simulator::Start{epoch}));
  last_event_ = std::format("epoch {} has begun", epoch);
}

void Station::make_frame(Run& run) {
  const auto counts = run.link.run(run.epoch, run.next, run.frame_slots, run.packed);
  const auto detections = run.packed.size();
  const auto end = run.next + run.frame_slots;
  if (const auto& readings = run.link.transmitter_readings())
    run.transmitter.connection.send(simulator::encode(*readings));
  run.transmitter.connection.send(
      encode(simulator::Progress{.epoch = run.epoch, .slots = end + lead_frames * run.frame_slots}));
  run.counts.lost_detections += counts.overflowed;
  if (run.receiver.connection.pending_bytes() + 4 * detections > pending_bytes_max) {
    run.counts.lost_detections += detections;
    ++run.counts.lost_frames;
  } else {
    const simulator::Detections head{.epoch = run.epoch,
                                     .first = run.next,
                                     .slots = run.frame_slots,
                                     .lost = run.counts.lost_detections,
                                     .packed = {}};
    if (const auto& readings = run.link.receiver_readings()) run.receiver.connection.send(simulator::encode(*readings));
    run.receiver.connection.send(encode(head, run.packed));
  }
  run.next = end;
  run.counts.detections += detections;
  run.counts.double_clicks += counts.double_clicks;
  run.counts.known_to_eve += counts.known_to_eve;
  run.window_detections += detections;
  const double window_seconds = static_cast<double>(run.next - run.window_first) / run.clock_hz;
  if (window_seconds < 1) return;
  run.counts.detections_per_second = static_cast<double>(std::exchange(run.window_detections, 0)) / window_seconds;
  run.window_first = run.next;
}

void Station::tick(Instant now) {
  drop_finished(now);
  if (!run_) return;
  for (int made = 0; made < frames_per_tick_max && run_->due() <= now; ++made) make_frame(*run_);
  if (const auto late = now - run_->due(); late > 0s) {
    run_->origin += late;
    run_->counts.slipped_seconds += std::chrono::duration<double>(late).count();
  }
}

Instant Station::next_tick(Instant now) const { return run_ ? run_->due() : now + leave_within; }

void Station::disturb(const Disturbance& disturbance) {
  const double weak_before = std::exchange(disturbance_, disturbance).weak_randomness;
  const bool weakens = std::abs(weak_before - disturbance.weak_randomness) > 0;
  weakened_ = weakened_ || weakens;
  if (!run_) return;
  // Slots that the transmitter has been told of have been sent: the others can still be changed.
  const Slot from = run_->next + lead_frames * run_->frame_slots;
  run_->link.disturb(disturbance_, from);
  if (weakens)
    run_->transmitter.connection.send(encode(simulator::Weakened{.from = from, .part = disturbance_.weak_randomness}));
}

StationStatus Station::status() const {
  auto status = run_ ? run_->counts : StationStatus{};
  status.transmitter = ready(Role::transmitter) != nullptr;
  status.receiver = ready(Role::receiver) != nullptr;
  status.last_event = last_event_;
  if (!run_) return status;
  status.epoch = run_->epoch;
  status.clock_hz = run_->clock_hz;
  status.slots = run_->next;
  return status;
}

}  // namespace cloister::hal::fibre
