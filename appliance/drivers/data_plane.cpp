#include "appliance/drivers/data_plane.hpp"

#include <sys/eventfd.h>

#include <algorithm>

#include "appliance/drivers/data_plane_workers.hpp"

namespace cloister::drivers {

std::size_t data_plane_queues() {
  constexpr std::size_t queues_max = 16;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, queues_max);
}

DataPlane::DataPlane(std::vector<Tun> tuns, std::vector<UdpSocket> sockets, const std::vector<TunnelPath>& paths,
                     vpn::SelectorTable selectors, std::size_t queues)
    : tuns_{std::move(tuns)},
      sockets_{std::move(sockets)},
      selectors_{std::move(selectors)},
      sas_{paths.size(), 2 * queues},
      tun_lost_(tuns_.size()),
      stop_event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  for (const auto& path : paths) paths_.push_back(std::make_unique<Path>(path));
  for (std::size_t queue = 0; queue < queues; ++queue) {
    workers_.emplace_back([this, queue] { Sender{*this, queue, 2 * queue}.run(); });
    workers_.emplace_back([this, queue] { Receiver{*this, queue, 2 * queue + 1}.run(); });
  }
}

DataPlane::~DataPlane() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_event_.get(), &one, sizeof one) == sizeof one);
}

void DataPlane::install_inbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key) {
  sas_.install_inbound(tunnel, spi, std::move(key));
}

void DataPlane::install_outbound(std::size_t tunnel, vpn::Spi spi, vpn::SaKey key) {
  sas_.install_outbound(tunnel, spi, std::move(key));
}

void DataPlane::retire_inbound(vpn::Spi spi) { sas_.retire_inbound(spi); }

void DataPlane::retire_outbound(std::size_t tunnel) { sas_.retire_outbound(tunnel); }

}  // namespace cloister::drivers
