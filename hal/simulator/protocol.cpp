#include "hal/simulator/protocol.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <format>
#include <string_view>
#include <utility>

namespace cloister::hal::simulator {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

namespace {

enum class Type : std::uint32_t {
  hello = 1,
  light,
  start,
  progress,
  detections,
  stopped,
  refused,
  resume,
  resumed,
  receiver_readings,
  transmitter_readings,
  weakened
};

constexpr std::size_t hello_bytes = 72;
constexpr std::size_t start_bytes = 4;
constexpr std::size_t progress_bytes = 12;
constexpr std::size_t receiver_readings_bytes = 28 + 32 + 24 + 2 * arrival_bins * (4 + 8);
constexpr std::size_t transmitter_readings_bytes = 60;
constexpr std::size_t weakened_bytes = 16;

struct BodyBounds {
  std::string_view name;
  std::size_t min;
  std::size_t max;
};

std::optional<BodyBounds> bounds(std::uint32_t type) {
  switch (static_cast<Type>(type)) {
    case Type::hello:
      return BodyBounds{"hello", hello_bytes, hello_bytes};
    case Type::light:
      return BodyBounds{"light", SourceSeed::size, SourceSeed::size};
    case Type::start:
      return BodyBounds{"start", start_bytes, start_bytes};
    case Type::progress:
      return BodyBounds{"progress", progress_bytes, progress_bytes};
    case Type::detections:
      return BodyBounds{"detections", detections_head_bytes, body_bytes_max};
    case Type::stopped:
      return BodyBounds{"stopped", 0, reason_bytes_max};
    case Type::refused:
      return BodyBounds{"refused", 0, reason_bytes_max};
    case Type::resume:
      return BodyBounds{"resume", sizeof(Nonce), sizeof(Nonce)};
    case Type::resumed:
      return BodyBounds{"resumed", sizeof(Nonce), sizeof(Nonce)};
    case Type::receiver_readings:
      return BodyBounds{"receiver's readings", receiver_readings_bytes, receiver_readings_bytes};
    case Type::transmitter_readings:
      return BodyBounds{"transmitter's readings", transmitter_readings_bytes, transmitter_readings_bytes};
    case Type::weakened:
      return BodyBounds{"weakened", weakened_bytes, weakened_bytes};
  }
  return std::nullopt;
}

/// Takes numbers from a body whose length has been checked against its type.
class BodyReader {
 public:
  explicit BodyReader(std::span<const std::byte> body) : rest_{body} {}
  template <class Number>
  Number take() {
    require(rest_.size() >= sizeof(Number), "a fibre message body is as long as its type says");
    std::array<std::byte, sizeof(Number)> bytes{};
    std::ranges::copy(rest_.first(sizeof(Number)), bytes.begin());
    rest_ = rest_.subspan(sizeof(Number));
    return std::bit_cast<Number>(bytes);
  }
  std::span<const std::byte> rest() const { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

template <class Bytes>
class Writer {
 public:
  Writer(Type type, std::size_t body_bytes) {
    out_.reserve(header_bytes + body_bytes);
    put(static_cast<std::uint32_t>(body_bytes));
    put(static_cast<std::uint32_t>(type));
  }
  template <class Number>
    requires std::integral<Number> || std::floating_point<Number>
  void put(Number number) {
    put(std::as_bytes(std::span{&number, 1}));
  }
  void put(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};
using PlainWriter = Writer<std::vector<std::byte>>;

/// Which slots a frame, or what was read of it, is of.
template <class Of>
void take_slots(BodyReader& in, Of& of) {
  of.epoch = in.take<std::uint32_t>();
  of.first = in.take<std::uint64_t>();
  of.slots = in.take<std::uint64_t>();
}
void put_slots(PlainWriter& out, const auto& of) {
  out.put(of.epoch);
  out.put(of.first);
  out.put(of.slots);
}

Result<Message> parse_hello(BodyReader in) {
  const auto version = in.take<std::uint32_t>();
  if (version != protocol_version)
    return fail(
        std::format("fibre protocol version {} where {} is expected: run cloister-fibre and cloisterd of one release",
                    version, protocol_version));
  const auto role = in.take<std::uint32_t>();
  if (role > 1) return fail(std::format("fibre hello with role {}", role));
  Hello hello{.role = static_cast<Role>(role), .settings = {}};
  hello.settings.clock_hz = in.take<double>();
  hello.settings.z_probability = in.take<double>();
  for (auto& intensity : hello.settings.intensities) intensity = in.take<double>();
  for (auto& probability : hello.settings.probabilities) probability = in.take<double>();
  if (auto possible = check(hello.settings); !possible) return std::unexpected{possible.error()};
  return hello;
}

Result<Message> parse_detections(BodyReader in) {
  Detections detections;
  take_slots(in, detections);
  detections.lost = in.take<std::uint64_t>();
  const auto count = in.take<std::uint64_t>();
  detections.packed = in.rest();
  if (detections.slots == 0 || detections.slots > frame_slots_max)
    return fail(std::format("fibre frame of {} slots", detections.slots));
  if (detections.first > slot_max - detections.slots) return fail("fibre frame past the last slot");
  if (detections.packed.size() % 4 != 0 || count != detections.packed.size() / 4 || count > detections.slots)
    return fail(std::format("fibre frame of {} bytes for {} detections in {} slots", detections.packed.size(), count,
                            detections.slots));
  return detections;
}

Measured take_measured(BodyReader& in) {
  const auto value = in.take<double>();
  return {.value = value, .deviation = in.take<double>()};
}

Result<Message> parse_receiver_readings(BodyReader in) {
  ReceiverReadings readings;
  take_slots(in, readings);
  readings.clicks = in.take<std::uint64_t>();
  if (readings.slots == 0 || readings.slots > frame_slots_max)
    return fail(std::format("fibre readings of {} slots", readings.slots));
  auto& current = readings.photocurrent.emplace();
  current.amperes = take_measured(in);
  current.dark_amperes = in.take<double>();
  current.coulombs_per_click = in.take<double>();
  auto& gates = readings.dimmed_gates.emplace();
  gates.dimmed_clicks = in.take<std::uint64_t>();
  gates.other_clicks = in.take<std::uint64_t>();
  gates.share = in.take<double>();
  if (readings.clicks > readings.slots || gates.dimmed_clicks > readings.slots || gates.other_clicks > readings.slots)
    return fail(std::format("fibre readings of more clicks than their {} slots", readings.slots));
  auto& arrivals = readings.arrivals.emplace();
  for (auto& detector : arrivals.clicks)
    for (auto& count : detector) {
      count = in.take<std::uint32_t>();
      if (count > readings.slots)
        return fail(std::format("fibre readings of more arrivals than their {} slots", readings.slots));
    }
  for (auto& detector : arrivals.expected)
    for (auto& share : detector) share = in.take<double>();
  return readings;
}

Result<Message> parse_transmitter_readings(BodyReader in) {
  TransmitterReadings readings;
  take_slots(in, readings);
  if (readings.slots == 0 || readings.slots > frame_slots_max || readings.first > UINT64_MAX - readings.slots)
    return fail(std::format("fibre readings of {} slots", readings.slots));
  readings.output_power = take_measured(in);
  auto& light = readings.returned_light.emplace();
  light.watts = take_measured(in);
  light.watts_max = in.take<double>();
  return readings;
}

Result<Message> parse_weakened(BodyReader in) {
  const auto from = in.take<std::uint64_t>();
  const Weakened weakened{.from = from, .part = in.take<double>()};
  if (!(weakened.part >= 0 && weakened.part <= 1)) return fail("a fibre message that weakens a part that is none");
  return weakened;
}

bool printable(std::byte byte) { return byte >= std::byte{0x20} && byte <= std::byte{0x7e}; }

Result<std::string> parse_reason(std::span<const std::byte> body) {
  if (!std::ranges::all_of(body, printable)) return fail("fibre message with unprintable text");
  std::string reason(body.size(), ' ');
  std::ranges::transform(body, reason.begin(), [](std::byte byte) { return std::to_integer<char>(byte); });
  return reason;
}

Result<Message> parse_body(Type type, std::span<const std::byte> body) {
  BodyReader in{body};
  switch (type) {
    case Type::hello:
      return parse_hello(in);
    case Type::light: {
      Light light;
      std::ranges::copy(body, light.seed.fill().begin());
      return light;
    }
    case Type::start:
      return Start{in.take<std::uint32_t>()};
    case Type::progress: {
      const auto epoch = in.take<std::uint32_t>();
      return Progress{.epoch = epoch, .slots = in.take<std::uint64_t>()};
    }
    case Type::detections:
      return parse_detections(in);
    case Type::stopped:
      return parse_reason(body).transform([](std::string reason) { return Stopped{std::move(reason)}; });
    case Type::refused:
      return parse_reason(body).transform([](std::string reason) { return Refused{std::move(reason)}; });
    case Type::resume:
      return Resume{in.take<Nonce>()};
    case Type::resumed:
      return Resumed{in.take<Nonce>()};
    case Type::receiver_readings:
      return parse_receiver_readings(in);
    case Type::transmitter_readings:
      return parse_transmitter_readings(in);
    case Type::weakened:
      return parse_weakened(in);
  }
  std::unreachable();  // `bounds` has refused every other type
}

std::vector<std::byte> encode_reason(Type type, std::string_view reason) {
  reason = reason.substr(0, reason_bytes_max);
  PlainWriter out{type, reason.size()};
  for (const auto character : std::as_bytes(std::span{reason}))
    out.put(static_cast<std::uint8_t>(printable(character) ? character : std::byte{'?'}));
  return out.take();
}

}  // namespace

std::optional<std::size_t> message_bytes(std::span<const std::byte> buffer) {
  if (buffer.size() < header_bytes) return std::nullopt;
  const auto body_bytes = BodyReader{buffer}.take<std::uint32_t>();
  if (body_bytes > body_bytes_max) return std::nullopt;
  return header_bytes + body_bytes;
}

Result<std::optional<ParsedMessage>> parse_message(std::span<const std::byte> buffer) {
  if (buffer.size() < header_bytes) return std::nullopt;
  BodyReader in{buffer};
  const auto body_bytes = in.take<std::uint32_t>();
  const auto type = in.take<std::uint32_t>();
  const auto expected = bounds(type);
  if (!expected) return fail(std::format("fibre message of unknown type {}", type));
  if (body_bytes < expected->min || body_bytes > expected->max)
    return fail(std::format("fibre {} message of {} bytes, expected {} to {}", expected->name, body_bytes,
                            expected->min, expected->max));
  if (in.rest().size() < body_bytes) return std::nullopt;
  auto message = parse_body(static_cast<Type>(type), in.rest().first(body_bytes));
  if (!message) return std::unexpected{std::move(message.error())};
  return ParsedMessage{std::move(*message), header_bytes + body_bytes};
}

Result<DetectionFrame> unpack(const Detections& detections) {
  DetectionFrame frame{
      .epoch = detections.epoch, .first = detections.first, .slots = detections.slots, .detections = {}};
  frame.detections.resize(detections.packed.size() / sizeof(std::uint32_t));
  const std::byte* from = detections.packed.data();
  std::uint64_t smallest = 0;
  bool ascend = true;
  for (auto& detection : frame.detections) {
    std::uint32_t click = 0;
    std::memcpy(&click, from, sizeof click);
    from += sizeof click;
    const std::uint64_t offset = click >> 3U;
    ascend &= offset >= smallest;
    smallest = offset + 1;
    detection = {detections.first + offset, static_cast<Basis>(click >> 2U & 1U),
                 static_cast<std::uint8_t>(click >> 1U & 1U), (click & 1U) != 0};
  }
  if (!ascend || smallest > detections.slots) return fail("fibre frame whose detections do not ascend inside it");
  return frame;
}

std::vector<std::byte> encode(const Resume& resume) {
  PlainWriter out{Type::resume, sizeof(Nonce)};
  out.put(resume.nonce);
  return out.take();
}

std::vector<std::byte> encode(const Resumed& resumed) {
  PlainWriter out{Type::resumed, sizeof(Nonce)};
  out.put(resumed.nonce);
  return out.take();
}

std::vector<std::byte> encode(const Hello& hello) {
  PlainWriter out{Type::hello, hello_bytes};
  out.put(protocol_version);
  out.put(static_cast<std::uint32_t>(hello.role));
  out.put(hello.settings.clock_hz);
  out.put(hello.settings.z_probability);
  for (const auto intensity : hello.settings.intensities) out.put(intensity);
  for (const auto probability : hello.settings.probabilities) out.put(probability);
  return out.take();
}

crypto::SecretVector<std::byte> encode(const Light& light) {
  Writer<crypto::SecretVector<std::byte>> out{Type::light, SourceSeed::size};
  out.put(light.seed.expose());
  return out.take();
}

std::vector<std::byte> encode(const Start& start) {
  PlainWriter out{Type::start, start_bytes};
  out.put(start.epoch);
  return out.take();
}

std::vector<std::byte> encode(const Progress& progress) {
  PlainWriter out{Type::progress, progress_bytes};
  out.put(progress.epoch);
  out.put(progress.slots);
  return out.take();
}

std::vector<std::byte> encode(const Detections& head, std::span<const std::uint32_t> clicks) {
  require(clicks.size() <= frame_detections_max, "a fibre frame holds its detections");
  PlainWriter out{Type::detections, detections_head_bytes + clicks.size_bytes()};
  put_slots(out, head);
  out.put(head.lost);
  out.put(std::uint64_t{clicks.size()});
  out.put(std::as_bytes(clicks));
  return out.take();
}

std::vector<std::byte> encode(const ReceiverReadings& readings) {
  require(readings.photocurrent && readings.arrivals && readings.dimmed_gates, "a simulated receiver has every meter");
  PlainWriter out{Type::receiver_readings, receiver_readings_bytes};
  put_slots(out, readings);
  out.put(readings.clicks);
  out.put(readings.photocurrent->amperes.value);
  out.put(readings.photocurrent->amperes.deviation);
  out.put(readings.photocurrent->dark_amperes);
  out.put(readings.photocurrent->coulombs_per_click);
  out.put(readings.dimmed_gates->dimmed_clicks);
  out.put(readings.dimmed_gates->other_clicks);
  out.put(readings.dimmed_gates->share);
  for (const auto& detector : readings.arrivals->clicks) out.put(std::as_bytes(std::span{detector}));
  for (const auto& detector : readings.arrivals->expected) out.put(std::as_bytes(std::span{detector}));
  return out.take();
}

std::vector<std::byte> encode(const TransmitterReadings& readings) {
  require(readings.output_power && readings.returned_light, "a simulated transmitter has every meter");
  PlainWriter out{Type::transmitter_readings, transmitter_readings_bytes};
  put_slots(out, readings);
  out.put(readings.output_power->value);
  out.put(readings.output_power->deviation);
  out.put(readings.returned_light->watts.value);
  out.put(readings.returned_light->watts.deviation);
  out.put(readings.returned_light->watts_max);
  return out.take();
}

std::vector<std::byte> encode(const Weakened& weakened) {
  PlainWriter out{Type::weakened, weakened_bytes};
  out.put(weakened.from);
  out.put(weakened.part);
  return out.take();
}

std::vector<std::byte> encode(const Stopped& stopped) { return encode_reason(Type::stopped, stopped.reason); }
std::vector<std::byte> encode(const Refused& refused) { return encode_reason(Type::refused, refused.reason); }

}  // namespace cloister::hal::simulator
