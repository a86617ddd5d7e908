#include "appliance/box/distillery.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <numeric>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "appliance/distill/quarantine.hpp"
#include "crypto/crash.hpp"
#include "hal/watch/device_watch.hpp"

namespace cloister::box {
namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;
namespace {

constexpr auto figures_interval = 250ms;
constexpr auto reopen_first = 500ms;
constexpr auto reopen_max = 8s;

/// The chain's view of the transmitter, which comes and goes under it, and of which it sees no light that the watch does not vouch for.
class PresentTransmitter final : public hal::SymbolSource {
 public:
  void set(hal::Transmitter* transmitter) { transmitter_ = transmitter; }
  /// It outlives this object.
  void watch_by(const hal::watch::TransmitterWatch& watch) { watch_ = &watch; }
  Result<> symbols(hal::Epoch epoch, std::span<const hal::Slot> slots, std::span<hal::Symbol> out) override {
    if (transmitter_ == nullptr) return fail("the transmitter is not connected");
    if (watch_ == nullptr || !watch_->vouches(epoch, slots)) return fail("the watch does not vouch for this light");
    return transmitter_->symbols(epoch, slots, out);
  }
  void release(hal::Epoch epoch, hal::Slot before) override {
    if (transmitter_ != nullptr) transmitter_->release(epoch, before);
  }

 private:
  hal::Transmitter* transmitter_ = nullptr;
  const hal::watch::TransmitterWatch* watch_ = nullptr;
};

}  // namespace

struct Distillery::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io_context, const distill::Parameters& parameters, DeviceFactory device_factory,
       std::chrono::milliseconds quarantine, Handlers callbacks)
      : io{io_context},
        factory{std::move(device_factory)},
        handlers{std::move(callbacks)},
        chain{factory.transmitter ? distill::make_alice_chain(parameters, symbols, random)
                                  : distill::make_bob_chain(parameters, random),
              quarantine} {}

  asio::io_context& io;
  asio::io_context context{1};
  DeviceFactory factory;
  Handlers handlers;
  crypto::SystemRandom random;
  PresentTransmitter symbols;
  distill::Quarantine chain;
  std::unique_ptr<hal::Transmitter> transmitter;
  std::unique_ptr<hal::Receiver> receiver;
  std::optional<hal::watch::ReceiverWatch> receiver_watch;
  std::optional<hal::watch::TransmitterWatch> transmitter_watch;
  double clock_hz = 0;
  std::uint64_t vouched_slots = 0;  // of the transmitter, that the quarantine knows of
  bool suspect = false;             // no key is made of what the device does
  hal::Epoch sampled_epoch = 0;     // the transmitter's randomness was looked at
  std::uint64_t sampled_slots = 0;  // up to here
  std::optional<asio::posix::stream_descriptor> readable;
  asio::steady_timer reopen{context};
  asio::steady_timer report{context};
  std::chrono::milliseconds reopen_delay = reopen_first;
  std::uint64_t generation = 0;
  bool outage_reported = false;
  bool closed = false;   // on the I/O thread: nobody listens any more
  bool waiting = false;  // for the descriptor
  std::string device_state = "not opened yet";
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{context.get_executor()};
  std::thread thread;

  template <class Function>
  void to_io(Function function) {
    asio::post(io, [self = shared_from_this(), function = std::move(function)]() mutable {
      if (!self->closed) function(*self);
    });
  }

  [[nodiscard]] hal::Device* device() const {
    if (transmitter) return transmitter.get();
    return receiver.get();
  }

  void open_device() {
    Result<> opened;
    if (factory.transmitter) {
      auto made = factory.transmitter(random);
      if (made)
        transmitter = std::move(*made);
      else
        opened = std::unexpected{made.error()};
    } else {
      auto made = factory.receiver();
      if (made)
        receiver = std::move(*made);
      else
        opened = std::unexpected{made.error()};
    }
    if (opened) opened = device()->start();
    if (!opened) return lose_device(opened.error().message);
    symbols.set(transmitter.get());
    clock_hz = device()->capabilities().clock_hz;
    readable.emplace(context, ::dup(device()->descriptor()));
    wait();
  }

  /// With the first light it is known which meters a device has. A watch outlives its device: what was suspect is so until it is seen to be
  /// well again, and a meter that a device once had is missed.
  hal::watch::ReceiverWatch& watch_over_receiver() {
    if (!receiver_watch) receiver_watch.emplace(receiver->capabilities());
    return *receiver_watch;
  }
  hal::watch::TransmitterWatch& watch_over_transmitter() {
    if (!transmitter_watch) symbols.watch_by(transmitter_watch.emplace(transmitter->capabilities()));
    return *transmitter_watch;
  }

  void lose_device(const std::string& problem) {
    symbols.set(nullptr);
    readable.reset();
    transmitter.reset();
    receiver.reset();
    device_state = problem;
    if (!outage_reported) to_io([problem](Impl& self) { self.handlers.device_lost(problem); });
    outage_reported = true;
    reopen.expires_after(reopen_delay);
    reopen_delay = std::min<std::chrono::milliseconds>(2 * reopen_delay, reopen_max);
    reopen.async_wait([this](error_code error) {
      if (!error) open_device();
    });
  }

  /// A receiver is left alone while the chain is full: the device then loses detections and says so, and memory stays
  /// bounded.
  void wait() {
    if (!readable || waiting || (receiver && generation != 0 && !chain.wants_frame())) return;
    waiting = true;
    readable->async_wait(asio::posix::descriptor_base::wait_read, [this](error_code error) {
      waiting = false;
      if (error || !readable) return;
      if (const auto taken = device()->on_readable(); !taken) return lose_device(taken.error().message);
      if (device()->telemetry().running) {
        reopen_delay = reopen_first;
        if (outage_reported) to_io([](Impl& self) { self.handlers.device_found(); });
        outage_reported = false;
      }
      if (transmitter) {
        watch_light();
        drain();
      }
      pump();
    });
  }

  /// Frames into the chain as long as it takes them; without a session they are thrown away.
  void pump() {
    while (receiver && (generation == 0 || chain.wants_frame())) {
      auto frame = receiver->next_frame();
      if (!frame) return lose_device(frame.error().message);
      if (!*frame) break;
      auto& watch = watch_over_receiver();
      if (const auto finding = watch.on_frame(**frame, receiver->take_readings())) judge(*finding);
      if (generation != 0 && watch.vouches()) {
        chain.watched(static_cast<double>((*frame)->slots) / clock_hz, (*frame)->detections.size());
        chain.on_frame(std::move(**frame));
      }
      drain();
    }
    wait();
  }

  void take_light() {
    if (const auto taken = transmitter->on_readable(); !taken) return lose_device(taken.error().message);
    watch_light();
  }

  /// The transmitter's meters, and a sample of what it has just sent. Where there are less than a sample's slots since the last one, they wait for more.
  void watch_light() {
    const auto telemetry = transmitter->telemetry();
    if (telemetry.slots == 0) return;
    auto& watch = watch_over_transmitter();
    auto readings = transmitter->take_readings();
    do {
      if (const auto finding = watch.on_light(telemetry.epoch, telemetry.slots, readings)) judge(*finding);
    } while (readings && (readings = transmitter->take_readings()));
    const auto vouched = watch.vouched_slots();
    chain.watched(static_cast<double>(vouched - std::exchange(vouched_slots, vouched)) / clock_hz, 0);
    constexpr auto sample = hal::watch::RandomnessWatch::sample_slots;
    if (sampled_epoch != telemetry.epoch || telemetry.slots < sampled_slots) sampled_slots = 0;
    sampled_epoch = telemetry.epoch;
    if (telemetry.slots < sampled_slots + sample) return;
    sampled_slots = telemetry.slots;
    std::array<hal::Slot, sample> slots{};
    std::ranges::iota(slots, telemetry.slots - sample);
    crypto::SecretVector<hal::Symbol> sent(sample);
    // What was just sent is there, unless a library is so late that its light has been overwritten: then the next sample.
    if (!transmitter->symbols(telemetry.epoch, slots, sent)) return;
    if (const auto finding = watch.on_symbols(std::span{sent}.first<sample>())) judge(*finding);
  }

  /// A device that is suspect is trusted again after a whole window in which nothing was wrong. What was distilled of its
  /// light and is not a key yet is dropped.
  void judge(const hal::watch::Finding& finding) {
    if (!finding.clean) {
      chain.discard(finding.text);
      if (!std::exchange(suspect, true)) to_io([why = finding.text](Impl& self) { self.handlers.device_suspect(why); });
    } else if (std::exchange(suspect, false)) {
      to_io([](Impl& self) { self.handlers.device_trusted(); });
    }
  }

  void drain() {
    while (auto action = chain.next_action()) {
      if (std::holds_alternative<distill::Amplified>(*action))
        random.reseed();  // fresh entropy for the next block's public seeds
      auto shared = std::make_shared<distill::Action>(std::move(*action));
      to_io([shared, at = generation](Impl& self) { self.handlers.action(at, std::move(*shared)); });
    }
  }

  void report_figures() {
    DeviceReport device_report{device() != nullptr, device_state, {}};
    if (device() != nullptr) {
      device_report.telemetry = device()->telemetry();
      device_report.state = device_report.telemetry.state;
    }
    to_io([figures = chain.figures(), device_report](Impl& self) { self.handlers.figures(figures, device_report); });
    report.expires_after(figures_interval);
    report.async_wait([this](error_code error) {
      if (!error) report_figures();
    });
  }
};

Distillery::Distillery(asio::io_context& io, distill::Parameters parameters, DeviceFactory factory,
                       std::chrono::milliseconds quarantine, Handlers handlers)
    : impl_{std::make_shared<Impl>(io, parameters, std::move(factory), quarantine, std::move(handlers))} {
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->open_device();
    impl->report_figures();
  });
  impl_->thread = std::thread{[impl = impl_.get()] {
    crypto::wipe_on_overflow();
    impl->context.run();
  }};
}

Distillery::~Distillery() {
  impl_->closed = true;
  impl_->context.stop();
  impl_->thread.join();
}

void Distillery::start(std::uint64_t generation, wire::BlockId first) {
  asio::post(impl_->context, [impl = impl_.get(), generation, first] {
    impl->generation = generation;
    impl->chain.start(first);
    impl->drain();
    impl->pump();
  });
}

void Distillery::stop() {
  asio::post(impl_->context, [impl = impl_.get()] {
    impl->chain.stop();
    impl->drain();
    impl->generation = 0;
    impl->pump();
  });
}

void Distillery::block_held(std::uint64_t generation, wire::BlockId block) {
  asio::post(impl_->context, [impl = impl_.get(), generation, block] {
    if (generation != impl->generation) return;
    impl->chain.held(block);
    impl->pump();
  });
}

void Distillery::deliver(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                         std::vector<std::byte> payload) {
  asio::post(impl_->context, [impl = impl_.get(), generation, block, type, payload = std::move(payload)] {
    if (generation != impl->generation) return;
    // What the meters say of the light that is asked for may have come already, and waits.
    if (impl->transmitter) impl->take_light();
    const auto taken = impl->chain.on_message(block, type, payload);
    impl->drain();
    if (!taken) {
      impl->to_io(
          [generation, what = taken.error().message](Impl& self) { self.handlers.protocol_error(generation, what); });
      return;
    }
    impl->pump();
  });
}

}  // namespace cloister::box
