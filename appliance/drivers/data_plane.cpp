#include "appliance/drivers/data_plane.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <format>

namespace cloister::drivers {
namespace {

constexpr std::size_t batch_packets = 64;
constexpr std::size_t packet_bytes_max = 2048;
constexpr std::size_t slot_bytes = packet_bytes_max + vpn::esp_overhead_bytes_max;

/// Room for a batch of packets, and the kernel's descriptions of them.
struct Batch {
  std::vector<std::byte> memory = std::vector<std::byte>(batch_packets * slot_bytes);
  std::array<iovec, batch_packets> vectors{};
  std::array<mmsghdr, batch_packets> messages{};

  std::span<std::byte> slot(std::size_t index) { return std::span{memory}.subspan(index * slot_bytes, slot_bytes); }
};

/// Waits until `descriptor` is readable; false when it is time to stop.
bool wait_readable(int descriptor, int stop_event) {
  std::array<pollfd, 2> watched{pollfd{descriptor, POLLIN, 0}, pollfd{stop_event, POLLIN, 0}};
  while (::poll(watched.data(), watched.size(), -1) < 0) {
    if (errno != EINTR) return false;
  }
  return watched[1].revents == 0;
}

}  // namespace

struct DataPlane::Path {
  explicit Path(TunnelPath path) : tun{std::move(path.tun)}, socket{path.socket}, peer{path.peer} {}
  Tun tun;
  std::size_t socket;
  SocketAddress peer;
  TunnelCounters counters;
  std::mutex mutex;
  std::optional<vpn::OutboundSa> outbound;  // guarded by mutex
};

struct DataPlane::Inbound {
  std::size_t tunnel;
  vpn::InboundSa sa;
};

DataPlane::DataPlane(std::vector<UdpSocket> sockets, std::vector<TunnelPath> paths, vpn::SelectorTable selectors)
    : sockets_{std::move(sockets)},
      selectors_{std::move(selectors)},
      stop_event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  for (auto& path : paths) paths_.push_back(std::make_unique<Path>(std::move(path)));
  for (std::size_t tunnel = 0; tunnel < paths_.size(); ++tunnel) {
    workers_.emplace_back([this, tunnel](const std::stop_token& stop) { send_loop(stop, tunnel); });
  }
  for (std::size_t socket = 0; socket < sockets_.size(); ++socket) {
    workers_.emplace_back([this, socket](const std::stop_token& stop) { receive_loop(stop, socket); });
  }
}

DataPlane::~DataPlane() {
  for (auto& worker : workers_) worker.request_stop();
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_event_.get(), &one, sizeof one) == sizeof one);
}

void DataPlane::install_inbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key) {
  const std::scoped_lock lock{inbound_mutex_};
  inbound_.insert_or_assign(spi, Inbound{tunnel, vpn::InboundSa{spi, std::move(key)}});
}

void DataPlane::install_outbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key) {
  Path& path = *paths_[tunnel];
  const std::scoped_lock lock{path.mutex};
  path.outbound.emplace(spi, std::move(key));
}

void DataPlane::retire_inbound(vpn::Spi spi) {
  const std::scoped_lock lock{inbound_mutex_};
  inbound_.erase(spi);
}

void DataPlane::retire_outbound(std::size_t tunnel) {
  Path& path = *paths_[tunnel];
  const std::scoped_lock lock{path.mutex};
  path.outbound.reset();
}

const TunnelCounters& DataPlane::counters(std::size_t tunnel) const { return paths_[tunnel]->counters; }

void DataPlane::send_loop(const std::stop_token& stop, std::size_t tunnel) {
  Path& path = *paths_[tunnel];
  const int socket = sockets_[path.socket].descriptor.get();
  Batch batch;
  std::array<std::byte, packet_bytes_max> packet{};
  while (!stop.stop_requested() && wait_readable(path.tun.descriptor.get(), stop_event_.get())) {
    std::size_t filled = 0;
    const std::scoped_lock lock{path.mutex};
    while (filled < batch_packets) {
      const auto length = ::read(path.tun.descriptor.get(), packet.data(), packet.size());
      if (length <= 0) break;
      const auto inner = std::span{packet}.first(static_cast<std::size_t>(length));
      if (selectors_.outbound(inner) != tunnel) {
        ++path.counters.dropped_selector;
        continue;
      }
      if (!path.outbound) {
        ++path.counters.dropped_no_key;
        continue;
      }
      const auto sealed = path.outbound->seal(inner, batch.slot(filled));
      if (!sealed) {
        ++path.counters.dropped_no_key;
        continue;
      }
      path.counters.bytes_out += inner.size();
      ++path.counters.packets_out;
      batch.vectors[filled] = {batch.slot(filled).data(), *sealed};
      auto& header = batch.messages[filled].msg_hdr;
      header = {};
      header.msg_name = &path.peer.storage;
      header.msg_namelen = path.peer.length;
      header.msg_iov = &batch.vectors[filled];
      header.msg_iovlen = 1;
      ++filled;
    }
    for (std::size_t sent = 0; sent < filled;) {
      const int count = ::sendmmsg(socket, &batch.messages[sent], static_cast<unsigned>(filled - sent), 0);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
        continue;
      }
      ++path.counters.dropped_send;  // one is given up (its error was reported here), the rest is tried
      ++sent;
    }
  }
}

void DataPlane::deliver(std::span<const std::byte> datagram, std::span<std::byte> scratch) {
  const auto spi = vpn::peek_spi(datagram);
  const auto found = spi ? inbound_.find(*spi) : inbound_.end();
  if (found == inbound_.end()) {
    ++unknown_datagrams_;
    return;
  }
  Path& path = *paths_[found->second.tunnel];
  const auto inner = found->second.sa.open(datagram, scratch);
  if (!inner) {
    if (inner.error() == vpn::EspError::replayed)
      ++path.counters.replays;
    else
      ++path.counters.authentication_failures;
    return;
  }
  if (inner->empty()) return;  // a dummy packet
  if (!selectors_.inbound_allowed(found->second.tunnel, *inner)) {
    ++path.counters.dropped_selector;
    return;
  }
  path.counters.bytes_in += inner->size();
  ++path.counters.packets_in;
  // A full TUN queue drops the packet, as a full network card does.
  static_cast<void>(::write(path.tun.descriptor.get(), inner->data(), inner->size()) >= 0);
}

void DataPlane::receive_loop(const std::stop_token& stop, std::size_t socket) {
  const int descriptor = sockets_[socket].descriptor.get();
  Batch batch;
  std::vector<std::byte> scratch(slot_bytes);
  while (!stop.stop_requested() && wait_readable(descriptor, stop_event_.get())) {
    for (std::size_t i = 0; i < batch_packets; ++i) {
      batch.vectors[i] = {batch.slot(i).data(), slot_bytes};
      batch.messages[i] = {};
      batch.messages[i].msg_hdr.msg_iov = &batch.vectors[i];
      batch.messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(descriptor, batch.messages.data(), batch_packets, MSG_DONTWAIT, nullptr);
    if (count <= 0) continue;
    const std::scoped_lock lock{inbound_mutex_};
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      deliver(batch.slot(i).first(batch.messages[i].msg_len), scratch);
  }
}

}  // namespace cloister::drivers
