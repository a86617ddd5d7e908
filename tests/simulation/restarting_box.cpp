#include "tests/simulation/restarting_box.hpp"

#include <algorithm>
#include <cstring>
#include <format>

namespace cloister::simulation {
using namespace std::chrono_literals;
using session::BlockId;
namespace {

constexpr std::uint64_t share_bits_max = 512;  // of a block, for the reserve

session::Settings settings_of(std::size_t number) {
  session::Settings settings;
  settings.link = "line";
  settings.local_box = number == 0 ? "alice" : "bob";
  settings.peer_box = number == 0 ? "bob" : "alice";
  settings.reserve_bits = 1024;
  settings.sealed = {.chunks = 3, .pads = 2};
  settings.lease_interval = 1s;
  return settings;
}

crypto::Psk psk() {
  crypto::Psk psk;
  std::ranges::fill(psk.fill(), std::byte{0x5A});
  return psk;
}

}  // namespace

RestartingBox::RestartingBox(VirtualWorld& world, Network& network, std::size_t number, std::uint64_t seed,
                             double tpm_failure)
    : world_{world}, network_{network}, number_{number}, seed_{seed}, tpm_failure_{tpm_failure} {
  durable_.own = 1 + world.below(50);
  durable_.granted = 1 + world.below(50);
  snapshot_ = durable_;
  network_.attach(number_, {.connected = [this] { with_session([&](auto& s) { s.on_connected(world_.now()); }); },
                            .received =
                                [this](const std::vector<std::byte>& bytes) {
                                  with_session([&](auto& s) { s.on_received(bytes, world_.now()); });
                                },
                            .disconnected =
                                [this](const char* reason) {
                                  with_session([&](auto& s) { s.on_disconnected(reason, world_.now()); });
                                },
                            .busy = [this] { return !session_ || !session_->may_be_displaced(world_.now()); },
                            .datagram = [](const std::vector<std::byte>&) {}});
}

template <class Function>
void RestartingBox::with_session(Function function) {
  if (!session_) return;
  function(*session_);
  drain();
}

void RestartingBox::start() {
  ++life_;
  random_ = std::make_unique<test::SeededRandom>(seed_ * 1000 + 2 * life_ + number_);
  session_ = std::make_unique<session::Session>(settings_of(number_), crypto::Credentials::by_psk(psk()), *random_,
                                                world_.now());
  session::KeptReserve kept{.record = {}, .own = durable_.own, .granted = durable_.granted, .problem = {}};
  if (durable_.record) kept.record.emplace(durable_.record->begin(), durable_.record->end());
  say("starts");
  const auto before = alarms_.size();
  session_->restore(kept);
  drain();
  if (std::exchange(alarm_expected_, false) && alarms_.size() == before) ++unnoticed_;
}

/// What the vault was doing is done or not, by chance; what waited behind it is not.
void RestartingBox::crash() {
  if (!session_) return;
  say("loses power");
  if (working_ && world_.happens(0.5)) apply(work_.front());
  work_.clear();
  working_ = false;
  session_.reset();
  next_block_.reset();
  block_open_ = false;
  ++life_;
  network_.disconnect(number_);
}

void RestartingBox::turn_back(TurnedBack what) {
  if (what == TurnedBack::nothing) return;
  say(what == TurnedBack::disk ? "has its disk put back" : "has disk and TPM put back");
  if (what == TurnedBack::disk_and_tpm) {
    durable_ = snapshot_;
    return;
  }
  durable_.record = snapshot_.record;
  alarm_expected_ = durable_.record && durable_.own > snapshot_.own + 1;
}

void RestartingBox::apply(const Work& work) {
  if (work.record) {
    durable_.record = work.record;
    return;
  }
  auto& counter = work.counter == session::Counter::own ? durable_.own : durable_.granted;
  if (work.to > counter) counter_writes_ += work.to - counter;
  counter = std::max(counter, work.to);
}

void RestartingBox::do_next_work() {
  if (working_ || work_.empty()) return;
  working_ = true;
  const auto takes = work_.front().record ? world_.between(1ms, 20ms) : world_.between(5ms, 300ms);
  world_.plan_in(takes, [this, life = life_] {
    if (life != life_) return;
    const Work work = std::move(work_.front());
    work_.pop_front();
    working_ = false;
    Result<std::uint64_t> outcome{0};
    if (!work.record && world_.happens(tpm_failure_)) {
      outcome = fail("the TPM does not answer");
    } else {
      apply(work);
      if (!work.record) outcome = work.counter == session::Counter::own ? durable_.own : durable_.granted;
    }
    session_->on_vault_done(outcome, world_.now());
    drain();
    do_next_work();
  });
}

bool RestartingBox::settled() const {
  return session_ && session_->status().state == "established" &&
         session_->status().authenticator == session::Authenticator::qkd;
}

void RestartingBox::begin_block() {
  if (!session_ || !next_block_ || block_open_ || session_->status().state != "established") return;
  block_open_ = true;
  const std::array<std::byte, 8> hello{};
  with_session([&](auto& s) { s.send_block_message(*next_block_, 1, hello, world_.now()); });
}

void RestartingBox::drain() {
  while (session_) {
    auto action = session_->next_action();
    if (!action) break;
    const auto close = [this](BlockId block) {
      std::vector<std::byte> note(8);
      const auto need = session_->reserve_need_bits();
      std::memcpy(note.data(), &need, sizeof need);
      session_->close_block(block, std::move(note), world_.now());
    };
    if (const auto* connect = std::get_if<session::Connect>(&*action)) {
      world_.plan(connect->not_before, [this, life = life_] {
        if (life == life_) network_.connect(world_.now());
      });
    } else if (const auto* transmit = std::get_if<session::Transmit>(&*action)) {
      network_.transmit(number_, transmit->bytes);
    } else if (std::holds_alternative<session::Disconnect>(*action)) {
      network_.disconnect(number_);
    } else if (const auto* wake = std::get_if<session::Wake>(&*action)) {
      world_.plan(wake->at, [this, number = ++wake_, life = life_] {
        if (number == wake_ && life == life_) with_session([&](auto& s) { s.on_timer(world_.now()); });
      });
    } else if (const auto* established = std::get_if<session::Established>(&*action)) {
      next_block_ = established->first_block;
      block_open_ = false;
      ++(established->restarted ? sealed_resumptions_ : bootstraps_);
      say(std::format("established, {}", established->restarted                           ? "sealed reserve"
                                         : established->by == session::Authenticator::qkd ? "resumed"
                                                                                          : "bootstrap"));
    } else if (const auto* message = std::get_if<session::DeliverBlockMessage>(&*action)) {
      // The server answers and closes; the client closes at the answer.
      if (number_ == 1) session_->send_block_message(message->block, 1, message->payload, world_.now());
      close(message->block);
    } else if (const auto* held = std::get_if<session::BlockHeld>(&*action)) {
      on_held(*held);
    } else if (std::holds_alternative<session::Lost>(*action)) {
      next_block_.reset();
      say("lost the session");
    } else if (auto* store = std::get_if<session::StoreRecord>(&*action)) {
      work_.push_back({.record = std::vector<std::byte>(store->record.begin(), store->record.end())});
    } else if (const auto* move = std::get_if<session::MoveCounter>(&*action)) {
      work_.push_back({.record = {}, .counter = move->counter, .to = move->to});
    } else if (const auto* alarm = std::get_if<session::Alarm>(&*action)) {
      alarms_.push_back(alarm->code);
      say(alarm->code + ": " + alarm->text);
    }
  }
  do_next_work();
}

/// Both boxes take the same share of the same bits, which no other block of this run has.
void RestartingBox::on_held(const session::BlockHeld& held) {
  ++blocks_held_;
  block_open_ = false;
  next_block_ = BlockId{held.block.value + 1};
  std::uint64_t own = 0;
  std::uint64_t peer = 0;
  std::memcpy(&own, held.own_note.data(), sizeof own);
  std::memcpy(&peer, held.peer_note.data(), sizeof peer);
  const std::uint64_t bits = std::min({own, peer, share_bits_max});
  std::seed_seq source{seed_, network_.connection(), held.block.value};
  std::mt19937_64 generator{source};
  crypto::SecretBits share{bits};
  for (std::size_t i = 0; i < bits; ++i) share.set(i, (generator() & 1U) != 0);
  if (bits > 0) session_->add_reserve(held.block, std::move(share), world_.now());
}

void RestartingBox::say(std::string text) {
  world_.note(text, number_);
  log_.push_back(std::format("{:9.4f} {} {}",
                             std::chrono::duration<double>(world_.now().time_since_epoch() - 1h).count(),
                             number_ == 0 ? "alice" : "bob  ", text));
}

}  // namespace cloister::simulation
