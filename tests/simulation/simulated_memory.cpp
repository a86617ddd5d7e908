#include "tests/simulation/simulated_memory.hpp"

#include <algorithm>

#include "appliance/distill/messages.hpp"
#include "appliance/hooks/simulation_hooks.hpp"
#include "crypto/error.hpp"
#include "tests/simulation/seeded_openssl.hpp"
#include "tests/simulation/witness.hpp"

namespace cloister::simulation {
using namespace std::chrono_literals;

namespace {

/// What is done wrongly with an action; true where it is lost by that.
bool mistaken(distill::Action& action) {
  using hooks::planted;
  using hooks::PlantedBug;
  if (auto* made = std::get_if<distill::Amplified>(&action); made != nullptr && planted(PlantedBug::quarantine_ignored))
    made->quarantined = false;
  if (std::holds_alternative<distill::Released>(action)) return planted(PlantedBug::quarantine_ignored);
  const auto* send = std::get_if<distill::Send>(&action);
  return send != nullptr && send->type == static_cast<std::uint8_t>(distill::MessageType::drop) &&
         planted(PlantedBug::withdrawal_untold);
}

}  // namespace

SimulatedMemory::SimulatedMemory(VirtualWorld& world, Witness& witness, std::size_t box,
                                 const box::LinkSettings& settings, crypto::Credentials credentials,
                                 Generators generators, const MakeChain& make_chain,
                                 std::chrono::milliseconds quarantine, Duration ahead, Outside* outside)
    : world_{world},
      witness_{witness},
      box_{box},
      outside_{outside},
      generators_{std::move(generators)},
      ahead_{ahead},
      chain_{make_chain(generators_.chain), quarantine},
      link_{settings, std::move(credentials), generators_.link, static_cast<box::LinkSurroundings&>(*this)} {}

SimulatedMemory::~SimulatedMemory() = default;

void SimulatedMemory::work(const std::function<void(SimulatedMemory&)>& what) {
  if (frozen() || (outside_ != nullptr && !outside_->begin_work())) return;
  std::optional<Witness::Unseen> unseen;
  if (outside_ == nullptr) unseen.emplace(witness_, box_);
  const BorrowedOpenssl own{generators_.openssl ? &*generators_.openssl : nullptr};
  what(*this);
}

void SimulatedMemory::later(Duration delay, std::move_only_function<void()> what) {
  const auto mine = pending_.insert(pending_.end(), std::move(what));
  world_.plan_in(delay, [this, alive = std::weak_ptr{alive_}, mine] {
    if (alive.expired()) return;
    auto due = std::move(*mine);
    pending_.erase(mine);
    work([&due](SimulatedMemory&) { due(); });
  });
}

void SimulatedMemory::hop(std::move_only_function<void()> what) {
  ++hops_;
  later(50us, [this, what = std::move(what)]() mutable {
    --hops_;
    what();
  });
}

void SimulatedMemory::jump(Duration ahead) {
  ahead_ += ahead;
  // What is due by the new time is due now, the rest so much sooner.
  if (session_due_) wake_session(std::max(*session_due_, now()));
  if (tunnel_due_) wake_tunnel(link_.tunnels().front().id, std::max(*tunnel_due_, now()));
}

void SimulatedMemory::freeze() {
  require(may_be_frozen(), "words of the chain would be lost");
  frozen_at_ = world_.now();
}

void SimulatedMemory::thaw(Outside& outside) {
  outside_ = &outside;
  ahead_ -= world_.now() - *std::exchange(frozen_at_, std::nullopt);
  if (session_due_) wake_session(*session_due_);
  if (tunnel_due_) wake_tunnel(link_.tunnels().front().id, *tunnel_due_);
}

void SimulatedMemory::on_frame(hal::DetectionFrame frame) {
  chain_.on_frame(std::move(frame));
  drain_chain();
}

void SimulatedMemory::watched(Duration light, std::uint64_t clicks) {
  chain_.watched(std::chrono::duration<double>(light).count(), clicks);
  drain_chain();
}

void SimulatedMemory::suspect() {
  chain_.discard("detectors are blinded");
  drain_chain();
}

void SimulatedMemory::drain_chain() {
  while (auto action = chain_.next_action()) {
    if (mistaken(*action)) continue;
    if (auto* made = std::get_if<distill::Amplified>(&*action)) {
      const auto key = made->key.expose_bytes();
      amplified_[made->block].assign(key.begin(), key.end());
      if (outside_ != nullptr) outside_->amplified(*made);
    }
    if (const auto* withdrawn = std::get_if<distill::Withdrawn>(&*action);
        withdrawn != nullptr && !withdrawn->by_peer && outside_ != nullptr)
      outside_->withdrawn(amplified_.at(withdrawn->block));
    hop([this, action = std::move(*action), at = generation_]() mutable { link_.on_chain(at, std::move(action)); });
  }
}

void SimulatedMemory::connect(Instant not_before) {
  if (outside_ != nullptr) outside_->connect(not_before - ahead_);
}
void SimulatedMemory::transmit(std::vector<std::byte> bytes) {
  if (outside_ != nullptr) outside_->transmit(std::move(bytes));
}
void SimulatedMemory::disconnect() {
  if (outside_ != nullptr) outside_->disconnect();
}
void SimulatedMemory::store_record(crypto::SecretVector<std::byte> record) {
  if (outside_ != nullptr) outside_->store_record({record.begin(), record.end()});
}
void SimulatedMemory::move_counter(session::Counter counter, std::uint64_t to) {
  if (outside_ != nullptr) outside_->move_counter(counter, to);
}
void SimulatedMemory::advance_handshake(session::AdvanceHandshake) {
  require(false, "a simulated box has no key in a TPM");
}

void SimulatedMemory::wake_session(Instant at) {
  session_due_ = at;
  later(at - now(), [this, wake = ++session_wake_] {
    if (wake == session_wake_) link_.on_session_timer();
  });
}
void SimulatedMemory::wake_tunnel(wire::TunnelId tunnel, Instant at) {
  tunnel_due_ = at;
  later(at - now(), [this, tunnel, wake = ++tunnel_wake_] {
    if (wake == tunnel_wake_) link_.on_tunnel_timer(tunnel);
  });
}

void SimulatedMemory::start_chain(std::uint64_t generation, wire::BlockId first) {
  hop([this, generation, first] {
    generation_ = generation;
    amplified_.clear();
    chain_.start(first);
    drain_chain();
  });
}
void SimulatedMemory::stop_chain() {
  if (outside_ != nullptr) outside_->session_ended();
  hop([this] {
    chain_.stop();
    drain_chain();
    generation_ = 0;
  });
}
void SimulatedMemory::deliver_to_chain(std::uint64_t generation, wire::BlockId block, std::uint8_t type,
                                       std::vector<std::byte> payload) {
  hop([this, generation, block, type, payload = std::move(payload)] {
    if (generation != generation_) return;
    const auto taken = chain_.on_message(block, type, payload);
    drain_chain();
    if (!taken) hop([this, generation, what = taken.error().message] { link_.on_chain_error(generation, what); });
  });
}

void SimulatedMemory::chain_block_held(std::uint64_t generation, wire::BlockId block) {
  hop([this, generation, block] {
    if (generation != generation_) return;
    chain_.held(block);
    drain_chain();
  });
}

void SimulatedMemory::install_inbound(wire::TunnelId, vpn::Spi spi, vpn::SaKey key) {
  if (outside_ != nullptr) outside_->installed(spi, key, true);
  sas_.install_inbound(0, spi, std::move(key));
}
void SimulatedMemory::install_outbound(wire::TunnelId, vpn::Spi spi, vpn::SaKey key, std::uint64_t packets_max) {
  if (outside_ != nullptr) outside_->installed(spi, key, false);
  sas_.install_outbound(0, spi, std::move(key), packets_max);
  sending_ = true;
}
void SimulatedMemory::retire_inbound(wire::TunnelId, vpn::Spi spi) { sas_.retire_inbound(spi); }
void SimulatedMemory::retire_outbound(wire::TunnelId) {
  sas_.retire_outbound(0);
  sending_ = false;
}

void SimulatedMemory::install_pad_inbound(wire::TunnelId, std::shared_ptr<vpn::InboundPadSa> sa) {
  if (outside_ != nullptr) outside_->installed_pad(true);
  pads_.install_inbound(0, std::move(sa));
}
void SimulatedMemory::install_pad_outbound(wire::TunnelId, std::shared_ptr<vpn::OutboundPadSa> sa) {
  if (outside_ != nullptr) outside_->installed_pad(false);
  pads_.install_outbound(0, std::move(sa));
  sending_ = true;
}
void SimulatedMemory::retire_pad_inbound(wire::TunnelId, vpn::Spi spi) { pads_.retire_inbound(spi); }
void SimulatedMemory::retire_pad_outbound(wire::TunnelId) {
  pads_.retire_outbound(0);
  sending_ = false;
}

void SimulatedMemory::info(const std::string& code, const std::string& subject, const std::string& text) {
  if (outside_ != nullptr) outside_->info(code, subject, text);
}
void SimulatedMemory::alarm(const std::string& code, const std::string& subject, const std::string& text) {
  if (outside_ != nullptr) outside_->alarm(code, subject, text);
}
void SimulatedMemory::record(const std::string& account_line) {
  if (outside_ != nullptr) outside_->record(account_line);
}
bool SimulatedMemory::book_epsilon(double total) { return outside_ == nullptr || outside_->book_epsilon(total); }

}  // namespace cloister::simulation
