// What a simulated box sends and receives through its tunnel, and what is looked at there.
#include <algorithm>
#include <cstring>

#include "tests/simulation/simulated_box.hpp"

namespace cloister::simulation {
namespace {

constexpr std::string_view packet_text = "a packet in clear";

/// An IPv4 packet whose payload is a number and a text that nobody between may read.
std::array<std::byte, 28 + packet_text.size()> packet_of(std::uint64_t number) {
  std::array<std::byte, 28 + packet_text.size()> packet{std::byte{0x45}};
  packet[3] = static_cast<std::byte>(packet.size());
  std::memcpy(packet.data() + 20, &number, sizeof number);
  std::memcpy(packet.data() + 28, packet_text.data(), packet_text.size());
  return packet;
}

bool in_clear(std::span<const std::byte> bytes) {
  return !std::ranges::search(bytes, std::as_bytes(std::span{packet_text})).empty();
}

}  // namespace

void SimulatedBox::send_packet() {
  if (!running()) return;
  const auto number = ++traffic_.sent;
  const bool under_pad = settings_.tunnels.front().under_pads();
  if (under_pad ? memory_->pads().outbound(0) == nullptr
                : vpn::SaTable::Reader{memory_->sas(), 0}.outbound(0) == nullptr) {
    ++traffic_.without_key;
    return;
  }
  witness_.enter(number_);
  if (!at_io("send a packet")) return;
  look_at_label();
  if (under_pad && copy_ && !copy_->frozen()) {
    const Witness::Unseen unseen{witness_, number_};
    static_cast<void>(seal_under_pad(copy_->pads(), number));
  }
  const auto datagram = under_pad ? seal_under_pad(memory_->pads(), number) : seal(number);
  if (datagram.empty()) {
    ++traffic_.without_key;
    return;
  }
  if (under_pad)
    witness_.on_sent_under_pad(datagram);
  else
    witness_.on_sent(datagram);
  if (in_clear(datagram)) witness_.broken("C1: a packet left in clear");
  network_.send_datagram(number_, datagram);
}

std::vector<std::byte> SimulatedBox::seal_under_pad(vpn::PadTable& pads, std::uint64_t number) {
  const auto packet = packet_of(number);
  std::vector<std::byte> out(vpn::pad_datagram_bytes(packet.size()));
  std::ranges::copy(packet, out.begin() + vpn::pad_packet_at);
  const auto bytes = pads.outbound(0)->seal(packet.size(), out);
  out.resize(bytes.value_or(0));
  return out;
}

std::vector<std::byte> SimulatedBox::seal(std::uint64_t number) {
  const vpn::SaTable::Reader sas{memory_->sas(), 0};
  auto* outbound = sas.outbound(0);
  const auto packet = packet_of(number);
  std::vector<std::byte> out(packet.size() + vpn::esp_overhead_bytes_max);
  std::ranges::copy(packet, out.begin() + vpn::esp_packet_at);
  if (copy_ && !copy_->frozen()) {
    auto unsent = out;
    static_cast<void>(vpn::SaTable::Reader{copy_->sas(), 0}.outbound(0)->seal(packet.size(), unsent));
  }
  const auto bytes = outbound->seal(packet.size(), out);
  out.resize(*bytes);
  witness_.on_sealed(outbound->spi().value, std::span{out}.subspan(8, 8));
  return out;
}

bool SimulatedBox::policy_allows(std::string_view label) const {
  const auto policy = settings_.session.policy;
  return policy == session::Policy::its_preferred || label == "bootstrap" ||
         label == (policy == session::Policy::its_only ? "qkd" : "computational");
}

/// Where two boxes have the same SA, its key is of the same block; only some are looked at.
void SimulatedBox::look_at_label() {
  const auto status = tunnel();
  const std::string_view label = to_string(status.authenticated_by);
  for (const auto& spi : {status.inbound, status.outbound})
    if (spi) witness_.on_label_of_sa(spi->value, label);
  const bool of_block = status.source != vpn::KeySource::exchange;
  if (of_block && !policy_allows(label)) witness_.broken("I12: a key was authenticated as the policy does not allow");
  if (!may_send(status)) witness_.broken("I13: a packet goes under a key that the tunnel's policy does not allow");
}

bool SimulatedBox::may_bridge(std::string_view alarm) const {
  const auto policy = settings_.tunnels.front().rekey.when_keys_run_out;
  return policy == (alarm == "TUNNEL_EXTENDED" ? vpn::WhenKeysRunOut::extend : vpn::WhenKeysRunOut::exchange);
}

bool SimulatedBox::may_send(const vpn::RekeyStatus& status) const {
  if (status.pad) return status.authenticated_by == wire::Authenticator::qkd;
  const auto& rekey = settings_.tunnels.front().rekey;
  if (!status.key_made) return false;
  const auto age = memory_->time() - *status.key_made;
  switch (status.source) {
    case vpn::KeySource::none:
      return false;
    case vpn::KeySource::qkd:
      return age <= rekey.key_lifetime;
    case vpn::KeySource::extended:
      return may_bridge("TUNNEL_EXTENDED") && age <= rekey.key_lifetime + rekey.extend_for;
    case vpn::KeySource::exchange:
      return may_bridge("TUNNEL_WITHOUT_QKD") && age <= rekey.key_lifetime;
  }
  return false;
}

void SimulatedBox::on_datagram(const std::vector<std::byte>& datagram, bool forged) {
  each([&](SimulatedMemory& memory) {
    if (&memory == memory_.get()) return count(memory, datagram, forged);
    std::vector<std::byte> out(datagram.size());
    if (const auto spi = vpn::peek_pad_sa(datagram)) {
      if (const auto pad = memory.pads().inbound(*spi); pad.sa) static_cast<void>(pad.sa->open(datagram, out));
      return;
    }
    const auto spi = vpn::peek_spi(datagram);
    const vpn::SaTable::Reader sas{memory.sas(), 0};
    if (auto* inbound = spi ? sas.inbound(*spi) : nullptr) static_cast<void>(inbound->sa.open(datagram, out));
  });
}

void SimulatedBox::count(SimulatedMemory& memory, const std::vector<std::byte>& datagram, bool forged) {
  if (const auto spi = vpn::peek_pad_sa(datagram)) {
    if (const auto pad = memory.pads().inbound(*spi); pad.sa) return count_under_pad(*pad.sa, datagram, forged);
  }
  const auto spi = vpn::peek_spi(datagram);
  const vpn::SaTable::Reader sas{memory.sas(), 0};
  auto* inbound = spi ? sas.inbound(*spi) : nullptr;
  if (inbound == nullptr) {
    ++traffic_.unknown_sa;
    return;
  }
  std::vector<std::byte> out(datagram.size());
  const auto opened = inbound->sa.open(datagram, out);
  if (opened) return count_packet(opened->packet);
  if (opened.error() == vpn::EspError::replayed)
    ++traffic_.replayed;
  else if (!forged)
    ++traffic_.not_authentic;
}

void SimulatedBox::count_under_pad(vpn::InboundPadSa& sa, const std::vector<std::byte>& datagram, bool forged) {
  std::vector<std::byte> out(datagram.size());
  const auto opened = sa.open(datagram, out);
  if (opened) return count_packet(opened->packet);
  if (opened.error() == vpn::PadError::replayed)
    ++traffic_.replayed;
  else if (!forged)
    ++traffic_.not_authentic;
}

void SimulatedBox::count_packet(std::span<const std::byte> packet) {
  std::uint64_t number = 0;
  if (packet.size() != packet_of(0).size()) {
    ++traffic_.forgeries_taken;
    return;
  }
  std::memcpy(&number, packet.data() + 20, sizeof number);
  if (!traffic_.received.insert(number).second) ++traffic_.received_twice;
}

}  // namespace cloister::simulation
