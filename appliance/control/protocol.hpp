#pragma once
/// The control socket's language: one JSON object a line, a request and its answer.
///
///   {"request": "status"}    ──▶   {"ok": true, "status": {…}}   or   {"ok": false, "error": "…"}
///   {"request": "zeroize"}   ──▶   {"ok": true}                  or   the same

#include <expected>
#include <string>
#include <string_view>

#include "appliance/control/status.hpp"

namespace cloister::control {

inline constexpr std::size_t socket_path_max = 107;  // sockaddr_un
inline constexpr std::size_t request_bytes_max = 4096;
inline constexpr std::size_t answer_bytes_max = 4U << 20U;

enum class Request { status, zeroize };

[[nodiscard]] std::string encode_request(Request request);
/// An error is the text for the answer.
[[nodiscard]] std::expected<Request, std::string> decode_request(std::string_view line);

[[nodiscard]] std::string encode_answer(const BoxStatus& status);
[[nodiscard]] std::string encode_done();
[[nodiscard]] std::string encode_error(std::string_view text);
[[nodiscard]] std::expected<BoxStatus, std::string> decode_status(std::string_view line);
[[nodiscard]] std::expected<void, std::string> decode_done(std::string_view line);

/// For people and programs: the status object alone, indented.
[[nodiscard]] std::string pretty_json(const BoxStatus& status);
/// The same object on one line.
[[nodiscard]] std::string json_line(const BoxStatus& status);

}  // namespace cloister::control
