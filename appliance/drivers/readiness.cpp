#include "appliance/drivers/readiness.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <cstdint>
#include <limits>

#include "crypto/error.hpp"

namespace cloister::drivers {
namespace {

constexpr std::size_t wake_index = std::numeric_limits<std::size_t>::max();

}  // namespace

Readiness::Readiness(int wake_event) : epoll_{::epoll_create1(EPOLL_CLOEXEC)} { add(wake_event, wake_index); }

void Readiness::add(int descriptor, std::size_t index) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
  require(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll refuses a descriptor");
}

void Readiness::set(int descriptor, std::size_t index, bool on) {
  epoll_event event{.events = on ? std::uint32_t{EPOLLIN} : 0, .data = {.u64 = index}};
  require(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0, "epoll does not know a descriptor");
}

void Readiness::remove(int descriptor) {
  require(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr) == 0 || errno == ENOENT,
          "epoll does not take a descriptor away");
}

std::span<const std::size_t> Readiness::wait() {
  std::array<epoll_event, ready_max> events{};
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
  } while (count < 0 && errno == EINTR);
  std::size_t ready = 0;
  for (int i = 0; i < count; ++i) {
    const std::size_t index = events[static_cast<std::size_t>(i)].data.u64;
    if (index == wake_index) return {};
    ready_[ready++] = index;
  }
  return std::span{ready_}.first(ready);
}

}  // namespace cloister::drivers
