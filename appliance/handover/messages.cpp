#include "appliance/handover/messages.hpp"

#include <format>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::handover {
namespace {

constexpr std::uint8_t version = 2;
constexpr std::size_t address_bytes_max = 45;  // INET6_ADDRSTRLEN less its end

enum class Kind : std::uint8_t { opened = 1, done = 2, refused = 3 };

}  // namespace

std::string Endpoint::to_string() const { return std::format("{}:{}", address, port); }

std::vector<std::byte> encode(const Request& request) {
  wire::Writer out;
  out.u8(version).u8(static_cast<std::uint8_t>(request.queues));
  out.u16(static_cast<std::uint16_t>(request.endpoints.size()));
  for (const auto& endpoint : request.endpoints) out.u16(endpoint.port).text(endpoint.address);
  return std::move(out).take();
}

std::vector<std::byte> encode(const Answer& answer) {
  struct Visitor {
    wire::Writer& out;
    void operator()(const Opened&) const { out.u8(static_cast<std::uint8_t>(Kind::opened)); }
    void operator()(const Done&) const { out.u8(static_cast<std::uint8_t>(Kind::done)); }
    void operator()(const Refused& refused) const {
      out.u8(static_cast<std::uint8_t>(Kind::refused)).text(refused.reason.substr(0, refusal_bytes_max));
    }
  };
  wire::Writer out;
  std::visit(Visitor{out}, answer);
  return std::move(out).take();
}

std::vector<std::byte> encode(Verdict verdict) { return {static_cast<std::byte>(verdict)}; }

Result<Request> parse_request(std::span<const std::byte> message) {
  wire::Reader in{message};
  if (const auto spoken = in.u8(); spoken != version)
    return fail("the request is of another release: install cloisterd and cloister-netd anew, and restart both");
  Request request;
  const auto queues = in.u8();
  const auto count = in.u16();
  if (!queues || !count) return fail("the request is shorter than its header");
  if (*queues == 0 || *queues > queues_max)
    return fail(std::format("the request is for {} queues, expected 1 to {}", *queues, queues_max));
  if (*count > endpoints_max)
    return fail(std::format("the request names {} endpoints, at most {} are expected", *count, endpoints_max));
  request.queues = *queues;
  while (request.endpoints.size() < *count) {
    const auto port = in.u16();
    auto address = in.text(address_bytes_max);
    if (!port || !address) return fail("the request's endpoints are cut off");
    request.endpoints.push_back({std::move(*address), *port});
  }
  if (!in.at_end()) return fail("the request is longer than its endpoints");
  return request;
}

Result<Answer> parse_answer(std::span<const std::byte> message) {
  wire::Reader in{message};
  const auto kind = in.u8();
  if (kind == static_cast<std::uint8_t>(Kind::opened) && in.at_end()) return Opened{};
  if (kind == static_cast<std::uint8_t>(Kind::done) && in.at_end()) return Done{};
  if (kind == static_cast<std::uint8_t>(Kind::refused)) {
    auto reason = in.text(refusal_bytes_max);
    if (reason && in.at_end()) return Refused{std::move(*reason)};
  }
  return fail("the answer is of another release: install cloisterd and cloister-netd anew, and restart both");
}

std::optional<Verdict> parse_verdict(std::span<const std::byte> message) {
  if (message.size() != 1) return std::nullopt;
  const auto verdict = static_cast<Verdict>(message[0]);
  if (verdict != Verdict::in_use && verdict != Verdict::given_up) return std::nullopt;
  return verdict;
}

}  // namespace cloister::handover
