#include "appliance/drivers/memory_watch.hpp"

#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <format>
#include <limits>

#include "appliance/drivers/file_descriptor.hpp"

namespace cloister::drivers {
namespace asio = boost::asio;
namespace {

constexpr unsigned kernel_group = 1;  // the kernel's own words; udev's are in another

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// Only what begins with "change@", as a new generation does: devices that come and go by the thousand, as tunnels' do at a
/// start, would fill the socket, and what is lost must be taken for the worst.
bool hear_changes_only(int socket) {
  std::array filter{sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
                    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'c', 0, 1),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, std::numeric_limits<std::uint32_t>::max()),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

Result<FileDescriptor> listen_to_kernel() {
  FileDescriptor socket{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kernel_group;
  if (socket.get() < 0 || !hear_changes_only(socket.get()) ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(std::format(
        "the kernel's word that this machine's memory was put back cannot be heard ({}): the service's unit "
        "must let it ('RestrictAddressFamilies=' with AF_NETLINK, as cloister.service has it)",
        std::strerror(errno)));
  return socket;
}

/// Never due: it is ended when the clock on the wall is set, by somebody or by a resume.
bool arm(int timer) {
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<time_t>::max();
  return ::timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0 ||
         errno == ECANCELED;  // armed all the same
}

}  // namespace

/// The closest of some readings: a process may be held up in the middle of one.
MachineClocks machine_clocks() {
  constexpr int readings = 8;
  MachineClocks closest{.running_before = {}, .since_boot = {}, .running_after = std::chrono::nanoseconds::max()};
  for (int i = 0; i < readings; ++i) {
    MachineClocks clocks;
    clocks.running_before = read_clock(CLOCK_MONOTONIC);
    clocks.since_boot = read_clock(CLOCK_BOOTTIME);
    clocks.running_after = read_clock(CLOCK_MONOTONIC);
    const auto span = [](const MachineClocks& one) { return one.running_after - one.running_before; };
    if (span(clocks) < span(closest)) closest = clocks;
  }
  return closest;
}

Result<std::unique_ptr<MemoryWatch>> MemoryWatch::open(asio::io_context& io, Handlers handlers) {
  auto events = listen_to_kernel();
  if (!events) return std::unexpected{events.error()};
  FileDescriptor clock{::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK)};
  if (clock.get() < 0 || !arm(clock.get()))
    return fail(std::format("the kernel gives no timer on the clock on the wall: {}", std::strerror(errno)));
  std::unique_ptr<MemoryWatch> watch{new MemoryWatch{io, std::move(handlers)}};
  watch->events_.assign(events->release());
  watch->clock_.assign(clock.release());
  watch->await_event();
  watch->await_clock();
  return watch;
}

void MemoryWatch::await_event() {
  events_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code stopped) {
    if (stopped) return;
    take_events();
    await_event();
  });
}

void MemoryWatch::take_events() {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t sender_bytes = sizeof sender;
    const auto got = ::recvfrom(events_.native_handle(), event_.data(), event_.size(), 0,
                                reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
    if (got < 0 && errno == ENOBUFS) {
      handlers_.kernel_events_lost();
    } else if (got < 0) {
      return;
    } else if (sender.nl_pid == 0) {  // the kernel, and no process
      handlers_.kernel_event({event_.data(), static_cast<std::size_t>(got)});
    }
  }
}

void MemoryWatch::await_clock() {
  clock_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code stopped) {
    if (stopped) return;
    std::uint64_t times = 0;
    [[maybe_unused]] const auto ended = ::read(clock_.native_handle(), &times, sizeof times);  // ECANCELED
    require(arm(clock_.native_handle()), "a timer that was armed cannot be armed");
    handlers_.clock_set(machine_clocks());
    await_clock();
  });
}

}  // namespace cloister::drivers
