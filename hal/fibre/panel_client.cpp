#include "hal/fibre/panel_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <format>
#include <utility>

#include "hal/simulator/local_socket.hpp"

namespace cloister::hal::fibre {

namespace {

constexpr int answer_within_ms = 5000;
constexpr std::size_t answer_bytes_max = 65536;

}  // namespace

Result<std::string> ask(const std::string& control_path, const std::string& request) {
  const auto socket = simulator::connect_local(control_path);
  if (!socket) return fail(socket.error().message + ": is cloister-fibre running?");
  const auto line = request + '\n';
  if (std::cmp_not_equal(::send(socket->get(), line.data(), line.size(), MSG_NOSIGNAL), line.size()))
    return fail(std::format("cannot send to '{}'", control_path));
  std::string answer;
  while (!answer.ends_with('\n') && answer.size() < answer_bytes_max) {
    pollfd wait{.fd = socket->get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, answer_within_ms) <= 0)
      return fail(std::format("'{}' did not answer within 5 seconds", control_path));
    std::array<char, 4096> bytes{};
    const auto count = ::recv(socket->get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) return fail(std::format("'{}' closed the connection without an answer", control_path));
    answer.append(bytes.data(), static_cast<std::size_t>(count));
  }
  answer.pop_back();
  return answer;
}

}  // namespace cloister::hal::fibre
