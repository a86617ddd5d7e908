#include "hal/simulator/box_end.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <format>
#include <utility>

#include "crypto/random.hpp"

namespace cloister::hal::simulator {

namespace {

constexpr timespec greet_every{.tv_sec = 1, .tv_nsec = 0};

}  // namespace

Result<BoxEnd> BoxEnd::open(const SimulatorConfig& config, Role role) {
  const SourceSettings settings{.clock_hz = config.clock_hz,
                                .z_probability = config.z_probability,
                                .intensities = config.intensities,
                                .probabilities = config.probabilities};
  if (auto possible = check(settings); !possible) return fail("simulated device: " + possible.error().message);
  auto node = open_node(config.socket_path);
  if (!node) return fail(node.error().message + ": is cloister-fibre running?");
  const bool is_device = is_character_device(*node);
  BoxEnd end{Connection{std::move(*node), header_bytes + body_bytes_max}, config, role, settings};
  end.wait_ = FileDescriptor{::epoll_create1(EPOLL_CLOEXEC)};
  epoll_event readable{.events = EPOLLIN, .data = {}};
  bool waits = ::epoll_ctl(end.wait_.get(), EPOLL_CTL_ADD, end.connection_.descriptor(), &readable) == 0;
  if (is_device) {
    crypto::SystemRandom{}.fill(end.nonce_);
    end.timer_ = FileDescriptor{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    const itimerspec often{.it_interval = greet_every, .it_value = greet_every};
    waits = waits && ::timerfd_settime(end.timer_.get(), 0, &often, nullptr) == 0 &&
            ::epoll_ctl(end.wait_.get(), EPOLL_CTL_ADD, end.timer_.get(), &readable) == 0;
  }
  if (!waits) return fail(std::format("cannot wait for '{}': {}", config.socket_path, system_message(errno)));
  return end;
}

BoxEnd::BoxEnd(Connection connection, const SimulatorConfig& config, Role role, const SourceSettings& settings)
    : connection_{std::move(connection)}, path_{config.socket_path}, role_{role}, settings_{settings} {}

void BoxEnd::say_hello(crypto::SecretVector<std::byte> light) {
  const auto add = [this](std::span<const std::byte> bytes) {
    greeting_.insert(greeting_.end(), bytes.begin(), bytes.end());
  };
  if (timer_.get() >= 0) add(encode(Resume{nonce_}));
  add(encode(Hello{.role = role_, .settings = settings_}));
  add(light);
  connection_.send(greeting_);
  if (timer_.get() < 0) greeting_.clear();
  state_ = "waiting for the other end of the fibre";
}

bool BoxEnd::is_answered() {
  if (timer_.get() < 0) return true;
  if (connection_.drop_until(encode(Resumed{nonce_}))) {
    timer_ = FileDescriptor{};
    greeting_.clear();
    return true;
  }
  std::uint64_t expirations = 0;
  // What is still queued will be sent: a second greeting behind it says nothing new.
  if (::read(timer_.get(), &expirations, sizeof expirations) > 0 && connection_.pending_bytes() == 0)
    connection_.send(greeting_);
  return false;
}

std::unexpected<Error> BoxEnd::broken(const std::string& what) const {
  return fail(std::format("fibre '{}': {}", path_, what));
}

Result<> BoxEnd::read() {
  connection_.flush();
  connection_.read();
  if (connection_.closed())
    return fail(std::format("fibre '{}' closed the connection: is cloister-fibre running?", path_));
  return {};
}

Result<std::optional<Message>> BoxEnd::next() {
  if (!is_answered()) return std::nullopt;
  for (;;) {
    auto message = connection_.next();
    if (!message) return broken(message.error().message);
    if (!*message) return std::nullopt;
    if (const auto* start = std::get_if<Start>(&**message)) {
      if (epoch_ == start->epoch) return broken("an epoch began twice");
      epoch_ = start->epoch;
      running_ = true;
      slots_ = 0;
      state_ = "running";
      continue;
    }
    if (const auto* stopped = std::get_if<Stopped>(&**message)) {
      running_ = false;
      state_ = stopped->reason;
      continue;
    }
    if (const auto* resumed = std::get_if<Resumed>(&**message)) {
      // One for each time that we asked.
      if (resumed->nonce != nonce_) return broken("an answer to what was not asked");
      continue;
    }
    if (const auto* refused = std::get_if<Refused>(&**message)) return broken(refused->reason);
    const bool for_us =
        role_ == Role::transmitter
            ? std::holds_alternative<Progress>(**message) || std::holds_alternative<TransmitterReadings>(**message) ||
                  std::holds_alternative<Weakened>(**message)
            : std::holds_alternative<Detections>(**message) || std::holds_alternative<ReceiverReadings>(**message);
    if (!for_us) return broken("a message that is not for this end");
    return message;
  }
}

Capabilities BoxEnd::capabilities() const {
  auto capabilities = capabilities_of(settings_);
  capabilities.meters = simulated_meters;
  return capabilities;
}

}  // namespace cloister::hal::simulator
