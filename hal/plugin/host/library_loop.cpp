#include "hal/plugin/host/library_loop.hpp"

#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <format>

#include "hal/plugin/host/sandbox.hpp"

namespace cloister::hal::plugin {

namespace {

constexpr std::uint32_t timeout_ms = 100;
constexpr long room_wait_ns = 1'000'000;
// How often the library is asked how it is, in calls.
constexpr unsigned status_every = 16;
// Symbols asked for at once: an eighth of the window, which are then out of the service's reach, and at most 2^20.
constexpr std::uint64_t run_slots_max = std::uint64_t{1} << 20;

Header* log_target = nullptr;  // the library's log has no other way to find the ring

void copy_text(Text& to, const char* from) {
  const auto length = ::strnlen(from, to.size() - 1);
  std::copy_n(from, length, to.begin());
  std::fill(to.begin() + static_cast<std::ptrdiff_t>(length), to.end(), '\0');
}

void log_line(const char* text) {
  if (log_target != nullptr && text != nullptr) copy_text(log_target->said, text);
}

cloister_hal_settings settings_of(const Order& order) {
  cloister_hal_settings settings{};
  settings.size = sizeof settings;
  settings.role = order.role;
  settings.descriptor = order.has_node != 0 ? node_descriptor : -1;
  settings.intensities = order.intensities;
  settings.clock_hz = order.clock_hz;
  settings.key_basis_probability = order.key_basis_probability;
  std::ranges::copy(order.mean_photons, settings.mean_photons);
  std::ranges::copy(order.intensity_probability, settings.intensity_probability);
  settings.log = log_line;
  return settings;
}

/// One open device, whatever its role.
class Session {
 public:
  Session(const Ring& ring, const cloister_hal_driver& driver, cloister_hal_device* device)
      : ring_{ring}, header_{ring.header()}, driver_{driver}, device_{device} {}

  std::expected<void, std::string> run() {
    while (header_.stop.load(std::memory_order_acquire) == 0) {
      const auto done = ring_.order().role == CLOISTER_HAL_TRANSMITTER ? transmit() : receive();
      if (!done) return done;
      if (calls_++ % status_every == 0)
        if (auto asked = ask_status(); !asked) return asked;
    }
    ring_.at(Step::closing);
    driver_.close(device_);
    ring_.beat();
    return {};
  }

  std::expected<void, std::string> ask_status() {
    ring_.at(Step::asking_status);
    cloister_hal_status status{};
    status.size = sizeof status;
    const auto answer = driver_.status(device_, &status);
    ring_.beat();
    if (answer != CLOISTER_HAL_OK) return failed("status", answer);
    std::ranges::copy(status.text, header_.status.begin());
    header_.running.store(status.running, std::memory_order_release);
    return {};
  }

 private:
  static std::unexpected<std::string> failed(const char* call, int answer) {
    return std::unexpected{std::format("{} returned {}", call, answer)};
  }

  std::expected<void, std::string> receive() {
    const auto& order = ring_.order();
    const auto produced = header_.produced.load(std::memory_order_relaxed);
    if (produced - header_.consumed.load(std::memory_order_acquire) >= order.frame_slots) {
      ring_.at(Step::waiting_for_room);
      ring_.beat();
      const timespec wait{.tv_sec = 0, .tv_nsec = room_wait_ns};
      ::nanosleep(&wait, nullptr);
      return {};
    }
    auto* place = ring_.body() + (produced % order.frame_slots) * frame_bytes(order);
    cloister_hal_frame frame{};
    frame.size = sizeof frame;
    frame.detections_max = static_cast<std::uint32_t>(order.detections_max);
    frame.detections = reinterpret_cast<cloister_hal_detection*>(place + sizeof(FrameHead));
    frame.readings =
        reinterpret_cast<cloister_hal_receiver_readings*>(place + frame_bytes(order) - sizeof *frame.readings);
    *frame.readings = {};
    frame.readings->size = sizeof *frame.readings;
    ring_.at(Step::receiving);
    const auto answer = driver_.receive(device_, &frame, timeout_ms);
    ring_.beat();
    if (answer == CLOISTER_HAL_AGAIN) return {};
    if (answer != CLOISTER_HAL_OK) return failed("receive", answer);
    const FrameHead head{.epoch = frame.epoch,
                         .detection_count = frame.detection_count,
                         .first_slot = frame.first_slot,
                         .slots = frame.slots,
                         .lost = frame.lost};
    std::memcpy(place, &head, sizeof head);
    header_.produced.store(produced + 1, std::memory_order_release);
    return {};
  }

  std::expected<void, std::string> transmit() {
    const auto window = ring_.order().window_slots;
    const auto first = header_.sent.load(std::memory_order_relaxed);
    const auto in_window = first % window;
    cloister_hal_symbols run{};
    run.size = sizeof run;
    run.epoch = header_.epoch.load(std::memory_order_relaxed);
    run.first_slot = first;
    run.slots_max = std::min({run_slots_max, window / 8, window - in_window});
    run.symbols = reinterpret_cast<std::uint8_t*>(ring_.body() + in_window / 2);
    cloister_hal_transmitter_readings readings{};
    readings.size = sizeof readings;
    run.readings = &readings;
    if (epoch_begun_) header_.claimed.store(first + run.slots_max);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ring_.at(Step::transmitting);
    const auto answer = driver_.transmit(device_, &run, timeout_ms);
    ring_.beat();
    const bool reads = answer == CLOISTER_HAL_OK || answer == CLOISTER_HAL_AGAIN;
    if (reads && epoch_begun_ && readings.meters != 0) keep({.epoch = run.epoch, .readings = readings});
    if (answer == CLOISTER_HAL_AGAIN) return {};
    if (answer == CLOISTER_HAL_EPOCH) {
      begin_epoch(run.epoch);
      return {};
    }
    if (answer != CLOISTER_HAL_OK) return failed("transmit", answer);
    if (!epoch_begun_) return std::unexpected{"transmit gave symbols before it began an epoch"};
    header_.sent.store(first + run.slots, std::memory_order_release);
    return {};
  }

  void keep(const KeptReadings& kept) {
    const auto written = header_.readings.load(std::memory_order_relaxed);
    auto* first = ring_.body() + ring_.order().window_slots / 2;
    std::memcpy(first + (written % readings_kept) * sizeof kept, &kept, sizeof kept);
    header_.readings.store(written + 1, std::memory_order_release);
  }

  void begin_epoch(std::uint32_t epoch) {
    epoch_begun_ = true;
    header_.claimed.store(no_slot);
    header_.epoch.store(epoch);
    header_.sent.store(0);
    header_.claimed.store(0);
    header_.epochs.fetch_add(1);
  }

  const Ring& ring_;
  Header& header_;
  const cloister_hal_driver& driver_;
  cloister_hal_device* device_;
  unsigned calls_ = 0;
  bool epoch_begun_ = false;
};

}  // namespace

void say(Header& header, const char* text) {
  if (header.said[0] == '\0') copy_text(header.said, text);
}

std::expected<const cloister_hal_driver*, std::string> load(const Ring& ring) {
  ring.at(Step::loading);
  void* library = ::dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::unexpected{std::string{::dlerror()}};
  void* entry = ::dlsym(library, "cloister_hal_entry");
  if (entry == nullptr) return std::unexpected{"it does not export cloister_hal_entry"};
  const auto* driver = reinterpret_cast<const cloister_hal_driver* (*)(std::uint32_t)>(entry)(CLOISTER_HAL_ABI);
  ring.beat();
  if (driver == nullptr)
    return std::unexpected{std::format("it does not speak version {} of cloister_hal.h", CLOISTER_HAL_ABI)};
  if (driver->abi != CLOISTER_HAL_ABI || driver->size < sizeof(cloister_hal_driver))
    return std::unexpected{std::format("its driver says ABI {} and size {}, expected {} and {}", driver->abi,
                                       driver->size, CLOISTER_HAL_ABI, sizeof(cloister_hal_driver))};
  if ((driver->roles & ring.order().role) == 0) return std::unexpected{lacks_role};
  const bool moves =
      ring.order().role == CLOISTER_HAL_TRANSMITTER ? driver->transmit != nullptr : driver->receive != nullptr;
  if (driver->name == nullptr || driver->open == nullptr || driver->capabilities == nullptr ||
      driver->status == nullptr || driver->close == nullptr || !moves)
    return std::unexpected{"its driver lacks a function, or its name"};
  return driver;
}

std::expected<void, std::string> drive(const Ring& ring, const cloister_hal_driver& driver) {
  auto& header = ring.header();
  log_target = &header;
  copy_text(header.name, driver.name);

  ring.at(Step::opening);
  const auto settings = settings_of(ring.order());
  cloister_hal_device* device = nullptr;
  auto answer = driver.open(&settings, &device);
  ring.beat();
  if (answer != CLOISTER_HAL_OK) return std::unexpected{std::format("open returned {}", answer)};

  ring.at(Step::asking_capabilities);
  cloister_hal_capabilities capabilities{};
  capabilities.size = sizeof capabilities;
  answer = driver.capabilities(device, &capabilities);
  ring.beat();
  if (answer != CLOISTER_HAL_OK) return std::unexpected{std::format("capabilities returned {}", answer)};
  header.capabilities = capabilities;
  Session session{ring, driver, device};
  if (auto asked = session.ask_status(); !asked) return asked;
  header.opened.store(1, std::memory_order_release);
  return session.run();
}

}  // namespace cloister::hal::plugin
