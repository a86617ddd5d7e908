#pragma once
/// What cloisterd asks of cloister-netd, and what it hears: one request a connection, then answers.
///
///   cloisterd                                              cloister-netd
///      │ ── Request: queues, the endpoints to open ──────────▶ │  reads the configuration; guards, interfaces, routes
///      │ ◀── Opened, with the sockets of the first endpoint ── │
///      │ ◀── Opened, …                                         │
///      │ ◀── Done                        or Refused: why ───── │
///      │ ── Verdict: all is in use ──────────────────────────▶ │  takes away what is configured no longer
///      │             given up                                  │  or what the configuration before did not have
///
/// What is to be made says the configuration alone: an endpoint that it does not name is refused.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::handover {

inline constexpr std::size_t queues_max = 16;
inline constexpr std::size_t endpoints_max = 2048;
inline constexpr std::size_t refusal_bytes_max = 16'384;
/// The longest message: a request for all endpoints, each with the longest address.
inline constexpr std::size_t message_bytes_max = 131'072;

struct Endpoint {
  std::string address;  // numeric
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
  [[nodiscard]] std::string to_string() const;
};

struct Request {
  std::size_t queues = 1;  // sockets of each endpoint
  std::vector<Endpoint> endpoints;
  bool operator==(const Request&) const = default;
};

/// The sockets of the next endpoint, in the request's order, come with it.
struct Opened {
  bool operator==(const Opened&) const = default;
};
struct Done {
  bool operator==(const Done&) const = default;
};
struct Refused {
  std::string reason;
  bool operator==(const Refused&) const = default;
};
using Answer = std::variant<Opened, Done, Refused>;

/// Without one, both what was used before and what was asked for stays.
enum class Verdict : std::uint8_t { in_use = 1, given_up = 2 };

[[nodiscard]] std::vector<std::byte> encode(const Request& request);
[[nodiscard]] std::vector<std::byte> encode(const Answer& answer);
[[nodiscard]] std::vector<std::byte> encode(Verdict verdict);
[[nodiscard]] Result<Request> parse_request(std::span<const std::byte> message);
[[nodiscard]] Result<Answer> parse_answer(std::span<const std::byte> message);
[[nodiscard]] std::optional<Verdict> parse_verdict(std::span<const std::byte> message);

}  // namespace cloister::handover
