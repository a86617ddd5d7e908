#include "tests/simulation/simulated_box.hpp"

#include <algorithm>
#include <cstring>
#include <format>

namespace cloister::simulation {
using namespace std::chrono_literals;
namespace {

/// An IPv4 packet whose payload is a number.
std::array<std::byte, 28> packet_of(std::uint64_t number) {
  std::array<std::byte, 28> packet{std::byte{0x45}, {}, {}, std::byte{28}};
  std::memcpy(packet.data() + 20, &number, sizeof number);
  return packet;
}

/// Each life of a service unseals its own.
crypto::Psk copy_of(const crypto::Psk& psk) {
  crypto::Psk copy;
  std::ranges::copy(psk.expose(), copy.fill().begin());
  return copy;
}

}  // namespace

SimulatedBox::SimulatedBox(VirtualWorld& world, Network& network, std::size_t number, box::LinkSettings settings,
                           crypto::Psk psk, std::uint64_t seed, hal::SymbolSource& source)
    : world_{world},
      network_{network},
      number_{number},
      random_{seed},
      chain_random_{seed + 1},
      chain_{number == 0 ? distill::make_alice_chain(settings.distillation, source, chain_random_)
                         : distill::make_bob_chain(settings.distillation, chain_random_)},
      settings_{std::move(settings)},
      psk_{std::move(psk)},
      link_{std::make_unique<box::Link>(settings_, crypto::Credentials::by_psk(copy_of(psk_)), random_,
                                        static_cast<box::LinkSurroundings&>(*this))} {
  network_.attach(number_, {.connected = [this] { link_->on_connected(); },
                            .received = [this](const std::vector<std::byte>& bytes) { link_->on_received(bytes); },
                            .disconnected = [this](const char* reason) { link_->on_disconnected(reason); },
                            .busy = [this] { return !link_->may_be_displaced(); },
                            .datagram = [this](const std::vector<std::byte>& datagram) { on_datagram(datagram); }});
}

void SimulatedBox::begin() { link_->begin(); }

void SimulatedBox::restart() {
  info("RESTART", "service", "ends and starts anew");
  network_.disconnect(number_);
  ++session_wake_;
  ++tunnel_wake_;
  stop_chain();
  sas_.emplace(1, 1);
  sending_ = false;
  link_ = std::make_unique<box::Link>(settings_, crypto::Credentials::by_psk(copy_of(psk_)), random_,
                                      static_cast<box::LinkSurroundings&>(*this));
  link_->begin();
}

bool SimulatedBox::settled() const {
  const auto session = link_->session_status();
  return session.authenticator == session::Authenticator::qkd && tunnel().state == "up" && sending_;
}

void SimulatedBox::on_frame(hal::DetectionFrame frame) {
  chain_->on_frame(std::move(frame));
  drain_chain();
}

void SimulatedBox::send_packet() {
  const auto number = ++traffic_.sent;
  const vpn::SaTable::Reader sas{*sas_, 0};
  auto* outbound = sas.outbound(0);
  if (outbound == nullptr) {
    ++traffic_.without_key;
    return;
  }
  const auto packet = packet_of(number);
  std::vector<std::byte> out(packet.size() + vpn::esp_overhead_bytes_max);
  std::ranges::copy(packet, out.begin() + vpn::esp_packet_at);
  const auto bytes = outbound->seal(packet.size(), out);
  out.resize(*bytes);
  network_.send_datagram(number_, out);
}

void SimulatedBox::on_datagram(const std::vector<std::byte>& datagram) {
  const auto spi = vpn::peek_spi(datagram);
  const vpn::SaTable::Reader sas{*sas_, 0};
  auto* inbound = spi ? sas.inbound(*spi) : nullptr;
  if (inbound == nullptr) {
    ++traffic_.unknown_sa;
    return;
  }
  std::vector<std::byte> out(datagram.size());
  const auto opened = inbound->sa.open(datagram, out);
  if (!opened) {
    ++(opened.error() == vpn::EspError::replayed ? traffic_.replayed : traffic_.not_authentic);
    return;
  }
  std::uint64_t number = 0;
  std::memcpy(&number, opened->packet.data() + 20, sizeof number);
  if (!traffic_.received.insert(number).second) ++traffic_.received_twice;
}

/// The chain runs on a thread of its own: between it and the link lies a moment.
void SimulatedBox::to_link(std::function<void()> event) { world_.plan_in(50us, std::move(event)); }

void SimulatedBox::drain_chain() {
  while (auto action = chain_->next_action()) {
    if (auto* made = std::get_if<distill::Amplified>(&*action)) on_amplified(*made);
    auto shared = std::make_shared<distill::Action>(std::move(*action));
    to_link([this, shared, at = generation_] { link_->on_chain(at, std::move(*shared)); });
  }
}

void SimulatedBox::wake_session(Instant at) {
  world_.plan(at, [this, wake = ++session_wake_] {
    if (wake == session_wake_) link_->on_session_timer();
  });
}

void SimulatedBox::wake_tunnel(wire::TunnelId tunnel, Instant at) {
  world_.plan(at, [this, tunnel, wake = ++tunnel_wake_] {
    if (wake == tunnel_wake_) link_->on_tunnel_timer(tunnel);
  });
}

void SimulatedBox::start_chain(std::uint64_t generation, wire::BlockId first) {
  world_.plan_in(50us, [this, generation, first] {
    generation_ = generation;
    chain_->start(first);
    drain_chain();
  });
}

void SimulatedBox::stop_chain() {
  world_.plan_in(50us, [this] {
    chain_->stop();
    drain_chain();
    generation_ = 0;
  });
}

void SimulatedBox::deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                                    std::vector<std::byte> payload) {
  world_.plan_in(50us, [this, generation, block, type, payload = std::move(payload)] {
    if (generation != generation_) return;
    const auto taken = chain_->on_message(block, type, payload);
    drain_chain();
    if (!taken) to_link([this, generation, what = taken.error().message] { link_->on_chain_error(generation, what); });
  });
}

void SimulatedBox::install_inbound(wire::TunnelId, vpn::Spi spi, vpn::SaKey key) {
  sas_->install_inbound(0, spi, std::move(key));
  on_installed_inbound();
}
void SimulatedBox::install_outbound(wire::TunnelId, vpn::Spi spi, vpn::SaKey key) {
  world_.note("outbound", number_);
  sas_->install_outbound(0, spi, std::move(key));
  sending_ = true;
}
void SimulatedBox::retire_inbound(wire::TunnelId, vpn::Spi spi) { sas_->retire_inbound(spi); }
void SimulatedBox::retire_outbound(wire::TunnelId) {
  sas_->retire_outbound(0);
  sending_ = false;
}

void SimulatedBox::info(const std::string& code, const std::string& subject, const std::string& text) {
  world_.note(code, number_);
  log_.push_back(std::format("{:.3f} {} {}: {}", std::chrono::duration<double>(now().time_since_epoch() - 1h).count(),
                             code, subject, text));
}
void SimulatedBox::alarm(const std::string& code, const std::string& subject, const std::string& text) {
  info(code, subject, text);
  alarms_.push_back(code);
}
void SimulatedBox::record(const std::string& account_line) {
  world_.note("account", account_line.size());
  accounts_.push_back(account_line);
}
/// The next life begins there.
bool SimulatedBox::book_epsilon(double total) {
  world_.note("epsilon", total > 0 ? 1U : 0U);
  settings_.epsilon_booked = total;
  return true;
}

}  // namespace cloister::simulation
