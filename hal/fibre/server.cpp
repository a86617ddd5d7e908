#include "hal/fibre/server.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <utility>

namespace cloister::hal::fibre {

using simulator::FileDescriptor;
using simulator::LocalListener;

namespace {

constexpr std::size_t panel_clients_max = 16;

timespec until(Instant then, Instant now) {
  const auto wait = std::max(then - now, Instant::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds{wait - seconds}.count()};
}

}  // namespace

Server::Server(LocalListener fibre, LocalListener control, const ServerOptions& options)
    : fibre_{std::move(fibre)},
      control_{std::move(control)},
      station_{std::make_unique<Station>(options.link, options.dice_seed, options.first_epoch)} {}

Result<Server> Server::open(const ServerOptions& options) {
  if (auto possible = check(options.link); !possible) return std::unexpected{possible.error()};
  auto fibre = LocalListener::open(options.socket_path);
  if (!fibre) return std::unexpected{fibre.error()};
  auto control = LocalListener::open(options.control_path);
  if (!control) return std::unexpected{control.error()};
  return Server{std::move(*fibre), std::move(*control), options};
}

Result<> Server::run(int stop_descriptor) {
  constexpr std::size_t fixed = 3;
  for (;;) {
    std::vector<pollfd> waits{{.fd = stop_descriptor, .events = POLLIN, .revents = 0},
                              {.fd = fibre_.descriptor(), .events = POLLIN, .revents = 0},
                              {.fd = control_.descriptor(), .events = POLLIN, .revents = 0}};
    const auto ends = station_->descriptors();
    waits.insert(waits.end(), ends.begin(), ends.end());
    for (const auto& client : panel_clients_)
      waits.push_back({.fd = client.socket.get(), .events = POLLIN, .revents = 0});

    const auto asleep = std::chrono::steady_clock::now();
    const auto timeout = until(station_->next_tick(asleep), asleep);
    if (::ppoll(waits.data(), waits.size(), &timeout, nullptr) < 0 && errno != EINTR)
      return fail(std::format("cannot wait for sockets: {}", simulator::system_message(errno)));
    if (waits[0].revents != 0) return {};

    const auto now = std::chrono::steady_clock::now();
    station_->tick(now);
    for (const auto& wait : std::span{waits}.subspan(fixed, ends.size()))
      if (wait.revents != 0) station_->on_ready(wait.fd, now);
    const auto panel_waits = std::span{waits}.subspan(fixed + ends.size());
    std::erase_if(panel_clients_, [&](PanelClient& client) {
      const auto wait = std::ranges::find(panel_waits, client.socket.get(), &pollfd::fd);
      return wait != panel_waits.end() && wait->revents != 0 && !serve(client);
    });
    if (waits[1].revents != 0) accept_ends(now);
    if (waits[2].revents != 0) accept_panel_clients();
  }
}

void Server::accept_ends(Instant now) {
  auto socket = fibre_.accept();
  if (socket.get() >= 0) station_->admit(std::move(socket), now);
}

void Server::accept_panel_clients() {
  auto socket = control_.accept();
  if (socket.get() >= 0 && panel_clients_.size() < panel_clients_max)
    panel_clients_.push_back({.socket = std::move(socket), .line = {}});
}

bool Server::serve(PanelClient& client) {
  std::array<char, control_line_bytes_max> bytes{};
  const auto count = ::recv(client.socket.get(), bytes.data(), bytes.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  client.line.append(bytes.data(), static_cast<std::size_t>(count));
  for (auto end = client.line.find('\n'); end != std::string::npos; end = client.line.find('\n')) {
    const auto reply = answer(std::string_view{client.line}.substr(0, end), *station_) + '\n';
    client.line.erase(0, end + 1);
    const auto sent = ::send(client.socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    if (std::cmp_not_equal(sent, reply.size())) return false;  // does not read its answers
  }
  return client.line.size() <= control_line_bytes_max;
}

}  // namespace cloister::hal::fibre
