#include "appliance/vpn/pad_table.hpp"

#include <utility>

namespace cloister::vpn {

void PadTable::install_inbound(std::size_t tunnel, std::shared_ptr<InboundPadSa> sa) {
  const std::scoped_lock lock{mutex_};
  const Spi spi = sa->spi();
  inbound_.insert_or_assign(spi, Inbound{tunnel, std::move(sa)});
}

void PadTable::install_outbound(std::size_t tunnel, std::shared_ptr<OutboundPadSa> sa) {
  const std::scoped_lock lock{mutex_};
  outbound_.insert_or_assign(tunnel, std::move(sa));
}

void PadTable::retire_inbound(Spi spi) {
  const std::scoped_lock lock{mutex_};
  inbound_.erase(spi);
}

void PadTable::retire_outbound(std::size_t tunnel) {
  const std::scoped_lock lock{mutex_};
  outbound_.erase(tunnel);
}

PadTable::Inbound PadTable::inbound(Spi spi) const {
  const std::scoped_lock lock{mutex_};
  const auto found = inbound_.find(spi);
  return found == inbound_.end() ? Inbound{} : found->second;
}

std::shared_ptr<OutboundPadSa> PadTable::outbound(std::size_t tunnel) const {
  const std::scoped_lock lock{mutex_};
  const auto found = outbound_.find(tunnel);
  return found == outbound_.end() ? nullptr : found->second;
}

}  // namespace cloister::vpn
