#include "appliance/network/service.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <iostream>
#include <utility>

#include "appliance/network/groundwork.hpp"
#include "appliance/network/listener.hpp"
#include "appliance/network/packet_filter.hpp"
#include "appliance/network/udp.hpp"
#include "config/parse.hpp"

namespace cloister::network {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds message_patience{5};
// From the answer until cloisterd uses all of it, which takes a TPM's time.
constexpr std::chrono::seconds conversation_patience{120};

void complain(const Error& error) { std::cerr << "cloister-netd: " << error.message << '\n'; }

drivers::FileDescriptor catch_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return drivers::FileDescriptor{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
}

milliseconds heartbeat_of_watchdog() {
  std::uint64_t period_us = 0;
  if (::sd_watchdog_enabled(0, &period_us) <= 0) return milliseconds{-1};
  return milliseconds{period_us / 2000};
}

}  // namespace

Result<Plan> Service::read() {
  const auto configuration = config::load(configuration_);
  if (!configuration) {
    std::string all;
    for (const auto& diagnostic : configuration.error())
      all += (all.empty() ? "" : "\n") + config::to_string(diagnostic);
    return fail(std::move(all));
  }
  if (listener_.get() < 0) {
    auto listener = listen_for(user_, configuration->box.network_socket);
    if (!listener) return std::unexpected{listener.error()};
    listener_ = std::move(*listener);
  }
  return plan_of(*configuration);
}

Result<Service> Service::start(std::string configuration, uid_t user) {
  Service service{std::move(configuration), user};
  service.signals_ = catch_signals();
  service.heartbeat_ = heartbeat_of_watchdog();
  const auto plan = service.read();
  if (!plan) return std::unexpected{plan.error()};
  const auto standing = standing_guards(plan->behind);
  if (!standing) return std::unexpected{standing.error()};
  service.guards_ = plan->guards;
  service.guards_.add(*standing);
  auto filter_watch = ChangeWatch::start(ChangeWatch::Of::packet_filter);
  if (!filter_watch) return std::unexpected{filter_watch.error()};
  service.filter_watch_ = std::move(*filter_watch);
  auto interface_watch = ChangeWatch::start(ChangeWatch::Of::interfaces);
  if (!interface_watch) return std::unexpected{interface_watch.error()};
  service.interface_watch_ = std::move(*interface_watch);
  if (auto laid = lay_guards(service.guards_); !laid) return std::unexpected{laid.error()};
  // Where none stands, nobody can be using another one.
  if (standing->interfaces.empty()) {
    if (auto laid = lay_paths(*plan, user); !laid) complain(laid.error());
  }
  return service;
}

void Service::run() {
  ::sd_notify(0, "READY=1");
  for (;;) {
    const auto heard = wait();
    ::sd_notify(0, "WATCHDOG=1");
    if (take_signal()) return;
    // One request a connection: whatever comes after it, or nothing in time, is its end.
    if (heard.filter) keep_filter();
    if (heard.interfaces) keep_routes();
    if (conversation_ && (heard.peer || steady_clock::now() >= patient_until_)) {
      end_conversation(heard.peer);
    } else if (heard.peer) {
      accept();
    }
  }
}

/// For a signal, a change of nftables or of an interface, a connection or the end of one, or the time of a heartbeat.
Service::Heard Service::wait() const {
  std::array<pollfd, 4> events{
      pollfd{.fd = signals_.get(), .events = POLLIN, .revents = 0},
      pollfd{.fd = filter_watch_.descriptor(), .events = POLLIN, .revents = 0},
      pollfd{.fd = interface_watch_.descriptor(), .events = POLLIN, .revents = 0},
      pollfd{.fd = conversation_ ? conversation_->descriptor() : listener_.get(), .events = POLLIN, .revents = 0}};
  milliseconds longest = heartbeat_;
  if (conversation_) {
    const auto left = std::max(std::chrono::ceil<milliseconds>(patient_until_ - steady_clock::now()), milliseconds{0});
    longest = longest.count() < 0 ? left : std::min(longest, left);
  }
  ::poll(events.data(), events.size(), static_cast<int>(longest.count()));
  return {.filter = events[1].revents != 0, .interfaces = events[2].revents != 0, .peer = events[3].revents != 0};
}

/// `nft flush ruleset`, or a restart of nftables.service, takes the guards' filter with it.
void Service::keep_filter() {
  filter_watch_.forget();
  if (stands()) return;
  std::cerr << "cloister-netd: somebody has emptied nftables: the packet filter is laid again\n";
  if (auto laid = lay_guards(guards_); !laid) complain(laid.error());
}

/// With an interface that goes down, the kernel takes the routes into it, and does not bring them back.
void Service::keep_routes() {
  interface_watch_.forget();
  if (!used_) return;
  const auto laid = lay_lost_routes(*used_);
  if (!laid) return complain(laid.error());
  for (const auto& interface : *laid)
    std::cerr << "cloister-netd: '" << interface << "' was down: the routes into it are laid again\n";
}

/// Whether it is time to end.
bool Service::take_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) return false;
  if (signal.ssi_signo != SIGHUP) return true;
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch());
  ::sd_notify(0, std::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()).c_str());
  const auto laid = lay_guards(guards_).and_then([&] { return used_ ? lay_paths(*used_, user_) : Result<>{}; });
  if (!laid) complain(laid.error());
  ::sd_notify(0, "READY=1");
  return false;
}

void Service::accept() {
  drivers::FileDescriptor socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (socket.get() < 0) return;
  auto channel = handover::Channel::accepted(std::move(socket), message_patience);
  const auto peer = channel.peer_user();
  if (!peer || (*peer != user_ && *peer != 0)) return;
  const auto served = serve(channel);
  const handover::Answer last =
      served ? handover::Answer{handover::Done{}} : handover::Answer{handover::Refused{served.error().message}};
  if (!channel.send(handover::encode(last)) || !served) return;
  conversation_ = std::move(channel);
  patient_until_ = steady_clock::now() + conversation_patience;
}

Result<> Service::serve(const handover::Channel& channel) {
  const auto message = channel.receive();
  if (!message) return std::unexpected{message.error()};
  const auto request = handover::parse_request(message->bytes);
  if (!request) return std::unexpected{request.error()};
  auto plan = read();
  if (!plan) return std::unexpected{plan.error()};
  asked_ = std::move(*plan);
  guards_.add(asked_->guards);
  if (auto laid = lay_guards(guards_).and_then([&] { return lay_paths(*asked_, user_); }); !laid) return laid;
  for (const auto& endpoint : request->endpoints) {
    if (!asked_->has_endpoint(endpoint))
      return fail(std::format("no tunnel of '{}' has the endpoint {}: do both services read the same file",
                              configuration_, endpoint.to_string()));
    const auto sockets = open_udp(endpoint, request->queues);
    if (!sockets) return std::unexpected{sockets.error()};
    if (auto sent = channel.send(handover::encode(handover::Opened{}), *sockets); !sent) return sent;
  }
  return {};
}

void Service::end_conversation(bool called) {
  const auto last = called ? conversation_->receive() : fail("no word in time");
  conversation_.reset();
  const auto verdict = last ? handover::parse_verdict(last->bytes) : std::nullopt;
  if (!verdict) return;  // cloisterd has ended before it said
  if (auto settled = settle(*verdict); !settled) complain(settled.error());
}

/// What cloisterd uses is known: only that is laid, and what it uses no longer goes.
Result<> Service::settle(handover::Verdict verdict) {
  if (verdict == handover::Verdict::in_use) used_ = std::exchange(asked_, std::nullopt);
  if (!used_) return {};
  guards_ = used_->guards;
  return lay_guards(guards_).and_then([&] { return lay_paths(*used_, user_); }).and_then([&] {
    return clear_away(*used_);
  });
}

}  // namespace cloister::network
