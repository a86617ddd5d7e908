#include "hal/plugin/library_process.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <format>
#include <utility>
#include <vector>

#include "hal/plugin/library_file.hpp"
#include "hal/plugin/readings_parser.hpp"

namespace cloister::hal::plugin {

using simulator::FileDescriptor;
using simulator::system_message;

namespace {

constexpr long look_every_ns = 4'000'000;
constexpr int close_within_ms = 200;
// What a device may differ by from what it was told: less than what a calibration sees.
constexpr double tolerance = 1e-6;
// A detector that is faster than this does not exist, and its frames would be of no use to anyone.
constexpr double detections_per_second_limit = 1e8;

const char* words(Step step) {
  switch (step) {
    case Step::starting:
      return "starting";
    case Step::closing_itself_in:
      return "closing itself in";
    case Step::loading:
      return "loading the library";
    case Step::opening:
      return "in open";
    case Step::asking_capabilities:
      return "in capabilities";
    case Step::receiving:
      return "in receive";
    case Step::transmitting:
      return "in transmit";
    case Step::asking_status:
      return "in status";
    case Step::waiting_for_room:
      return "waiting for room in the ring";
    case Step::closing:
      return "in close";
    case Step::done:
      return "done";
  }
  return "in a step that does not exist";
}

std::string words(std::uint32_t meters) {
  constexpr auto known = std::to_array<std::pair<std::uint32_t, const char*>>({
      {CLOISTER_HAL_METER_PHOTOCURRENT, "photocurrent meter"},
      {CLOISTER_HAL_METER_ARRIVALS, "arrival histogram"},
      {CLOISTER_HAL_METER_DIMMED_GATES, "count of dimmed gates"},
      {CLOISTER_HAL_METER_OUTPUT_POWER, "meter of the output power"},
      {CLOISTER_HAL_METER_RETURNED_LIGHT, "meter of returned light"},
  });
  std::string text;
  for (const auto& [bit, name] : known)
    if ((meters & bit) != 0) text += (text.empty() ? "" : ", no ") + std::string{name};
  return text;
}

bool near(double found, double wanted) { return std::abs(found - wanted) <= tolerance * std::abs(wanted); }

}  // namespace

Order order_of(const simulator::SourceSettings& source, std::uint32_t role, bool has_node) {
  Order order;
  order.role = role;
  order.has_node = has_node ? 1 : 0;
  order.intensities = static_cast<std::uint32_t>(source.intensity_count());
  order.clock_hz = source.clock_hz;
  order.key_basis_probability = source.z_probability;
  std::ranges::copy(source.intensities, order.mean_photons.begin());
  std::ranges::copy(source.probabilities, order.intensity_probability.begin());
  return order;
}

Result<LibraryProcess> LibraryProcess::prepare(const PluginConfig& config, const Order& order) {
  if (auto possible = simulator::check(config.source); !possible) return std::unexpected{possible.error()};
  auto library = pinned_library(config.library, config.sha256);
  if (!library) return std::unexpected{library.error()};
  auto ring = SharedRing::make(order);
  if (!ring) return std::unexpected{ring.error()};
  return LibraryProcess{config, std::move(*ring), std::move(*library)};
}

LibraryProcess::LibraryProcess(const PluginConfig& config, SharedRing ring, FileDescriptor library)
    : config_{config},
      ring_{std::move(ring)},
      library_{std::move(library)},
      pace_{config.source.clock_hz, std::chrono::steady_clock::now()} {}

LibraryProcess::~LibraryProcess() {
  if (!process_ || broken_) return;
  ask_to_stop();
  pollfd ended{.fd = process_->descriptor(), .events = POLLIN, .revents = 0};
  ::poll(&ended, 1, close_within_ms);
}

Result<> LibraryProcess::start() {
  timer_ = FileDescriptor{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  wait_ = FileDescriptor{::epoll_create1(EPOLL_CLOEXEC)};
  auto process = HostProcess::start(config_, ring_.descriptor(), library_.get());
  if (!process) return std::unexpected{process.error()};
  process_.emplace(std::move(*process));
  const itimerspec often{.it_interval = {.tv_sec = 0, .tv_nsec = look_every_ns},
                         .it_value = {.tv_sec = 0, .tv_nsec = look_every_ns}};
  epoll_event readable{.events = EPOLLIN, .data = {}};
  if (::timerfd_settime(timer_.get(), 0, &often, nullptr) != 0 ||
      ::epoll_ctl(wait_.get(), EPOLL_CTL_ADD, timer_.get(), &readable) != 0 ||
      ::epoll_ctl(wait_.get(), EPOLL_CTL_ADD, process_->descriptor(), &readable) != 0)
    return fail(std::format("cannot watch the device's library: {}", system_message(errno)));
  pace_ = Pace{config_.source.clock_hz, std::chrono::steady_clock::now()};
  return {};
}

Step LibraryProcess::step() const { return static_cast<Step>(ring_.header().step.load(std::memory_order_relaxed)); }

std::unexpected<Error> LibraryProcess::broken(const std::string& what) {
  broken_ = true;
  return fail(std::format("device library '{}' {}", config_.library, what));
}

std::optional<std::string> LibraryProcess::end() {
  if (!process_) return std::nullopt;
  auto end = process_->end();
  if (!end) return std::nullopt;
  const auto said = text_of(ring_.header().said);
  return std::format("{} {}{}{}", *end, words(step()), said.empty() ? "" : ": ", said);
}

void LibraryProcess::ask_to_stop() { ring_.header().stop.store(1, std::memory_order_release); }

Result<> LibraryProcess::look(Instant now) {
  std::uint64_t expirations = 0;
  if (::read(timer_.get(), &expirations, sizeof expirations) < 0 && errno != EAGAIN && errno != EINTR)
    return broken("cannot be watched: " + system_message(errno));
  if (auto ended = end()) return broken(*ended);
  const auto& header = ring_.header();
  if (!opened_ && header.opened.load(std::memory_order_acquire) == 1)
    if (auto as_asked = take_capabilities(); !as_asked) return as_asked;
  if (auto alive = pace_.beat(header.heartbeat.load(std::memory_order_relaxed), opened_, words(step()), now); !alive)
    return broken(alive.error().message);
  running_ = header.running.load(std::memory_order_acquire) == 1;
  if (opened_) state_ = text_of(header.status);
  return {};
}

Capabilities LibraryProcess::capabilities() const {
  auto capabilities = simulator::capabilities_of(config_.source);
  capabilities.meters = meters_of(meters_);
  return capabilities;
}

Result<> LibraryProcess::take_capabilities() {
  cloister_hal_capabilities found{};
  std::memcpy(&found, &ring_.header().capabilities, sizeof found);
  const auto& order = ring_.order();
  struct Pair {
    std::string what;
    double found;
    double wanted;
  };
  std::vector<Pair> pairs{{"clock_hz", found.clock_hz, order.clock_hz},
                          {"key_basis_probability", found.key_basis_probability, order.key_basis_probability}};
  for (std::size_t k = 0; k < order.intensities; ++k) {
    pairs.push_back({std::format("mean_photons[{}]", k), found.mean_photons[k], order.mean_photons[k]});
    pairs.push_back(
        {std::format("intensity_probability[{}]", k), found.intensity_probability[k], order.intensity_probability[k]});
  }
  if (found.intensities != order.intensities)
    return broken(std::format("has {} intensities, the configuration {}", found.intensities, order.intensities));
  for (const auto& [what, is, wanted] : pairs)
    if (!near(is, wanted))
      return broken(std::format("runs at {} {}, the configuration says {}: make the two equal", what, is, wanted));
  const bool receives = order.role == CLOISTER_HAL_RECEIVER;
  if (receives &&
      !(found.detections_per_second_max > 0 && found.detections_per_second_max <= detections_per_second_limit))
    return broken(std::format("says its detectors report {} a second at most, expected up to {:.0e}",
                              found.detections_per_second_max, detections_per_second_limit));
  const auto meters_there_are = receives ? receiver_meters : transmitter_meters;
  if ((found.meters & ~meters_there_are) != 0 || found.reserved != 0)
    return broken(std::format("says it has meters {:#x}, where there are {:#x}", found.meters, meters_there_are));
  if (config_.needs_meters && found.meters != meters_there_are)
    return broken(std::format("has no {}, and 'device.meters: required' in the configuration asks for it",
                              words(meters_there_are & ~found.meters)));
  detections_per_second_max_ = found.detections_per_second_max;
  meters_ = found.meters;
  opened_ = true;
  return {};
}

}  // namespace cloister::hal::plugin
