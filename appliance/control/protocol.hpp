#pragma once
/// The control socket's language: one JSON object a line, a request and its answer.
///
///   {"request": "status"}    ──▶   {"ok": true, "status": {…}}   or   {"ok": false, "error": "…"}
///   {"request": "zeroize"}   ──▶   {"ok": true}                  or   the same
///   {"request": "factory-reset"}   ──▶   the same: it is zeroized, as the first step of an appliance's factory reset
///   {"request": "rekey", "name": "office"}   ──▶   the same
///   {"request": "bootstrap", "name": "geneva-paris"}   ──▶   the same: it may, once
///   {"request": "selftest"}  ──▶   {"ok": true, "tests": [{"name": "toeplitz", "passed": true, …}, …]}
///   {"request": "reload"}    ──▶   {"ok": true, "changes": [{"path": "tunnels[office].mtu", "before": "1420", …}, …]}
///   {"request": "acknowledge", "name": "QBER_HIGH", "subject": "link 'geneva-paris'"}   ──▶   the same
///
/// Who lacks the right to a request is answered {"ok": false, "error": "…", "lacks": "view"}, or "operate".

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/control/access.hpp"
#include "appliance/control/status.hpp"

namespace cloister::control {

inline constexpr std::size_t socket_path_max = 107;  // sockaddr_un
inline constexpr std::size_t request_bytes_max = 4096;
inline constexpr std::size_t answer_bytes_max = 4U << 20U;

enum class Request { status, zeroize, factory_reset, rekey, bootstrap, acknowledge, images_retired, selftest, reload };
/// All secrets of the box.
[[nodiscard]] constexpr bool destroys(Request request) {
  return request == Request::zeroize || request == Request::factory_reset;
}
/// Those that take their time: the client is answered later.
[[nodiscard]] constexpr bool takes_time(Request request) {
  return destroys(request) || request == Request::selftest || request == Request::reload;
}

struct Question {
  Request request = Request::status;
  std::string
      name;  // of the tunnel to be rekeyed, of the link that may bootstrap; the code of the alarm to be acknowledged; the
             // generation that is the oldest to open anything from now on
  std::string subject;  // whose alarm
};

/// What one must be allowed to do for it.
[[nodiscard]] Right right_for(Request request);

/// Why there is no answer, or none that was hoped for.
struct Failure {
  enum class Kind { failed, service_absent, right_lacking };
  Kind kind = Kind::failed;
  std::string message;
};

[[nodiscard]] std::string encode_request(const Question& question);
/// An error is the text for the answer.
[[nodiscard]] std::expected<Question, std::string> decode_request(std::string_view line);

[[nodiscard]] std::string encode_answer(const BoxStatus& status);
[[nodiscard]] std::string encode_tests(const std::vector<TestResult>& tests);
[[nodiscard]] std::string encode_changes(const std::vector<ConfigurationChange>& changes);
[[nodiscard]] std::string encode_done();
[[nodiscard]] std::string encode_error(std::string_view text);
[[nodiscard]] std::string encode_lacking(Right lacking);
[[nodiscard]] std::expected<BoxStatus, Failure> decode_status(std::string_view line);
[[nodiscard]] std::expected<std::vector<TestResult>, Failure> decode_tests(std::string_view line);
[[nodiscard]] std::expected<std::vector<ConfigurationChange>, Failure> decode_changes(std::string_view line);
[[nodiscard]] std::expected<void, Failure> decode_done(std::string_view line);

/// For people and programs: the status object alone, indented.
[[nodiscard]] std::string pretty_json(const BoxStatus& status);
/// The same object on one line.
[[nodiscard]] std::string json_line(const BoxStatus& status);

}  // namespace cloister::control
