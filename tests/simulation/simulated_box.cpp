#include "tests/simulation/simulated_box.hpp"

namespace cloister::simulation {
using namespace std::chrono_literals;
namespace {

session::KeptReserve copy_of(const session::KeptReserve& kept) {
  session::KeptReserve copy{.record = {}, .own = kept.own, .granted = kept.granted, .problem = kept.problem};
  if (kept.record) copy.record.emplace(kept.record->begin(), kept.record->end());
  return copy;
}

}  // namespace

SimulatedBox::SimulatedBox(VirtualWorld& world, Network& network, Witness& witness, std::size_t number,
                           box::LinkSettings settings, Unseal unseal, std::uint64_t seed, MakeChain make_chain)
    : world_{world},
      network_{network},
      witness_{witness},
      number_{number},
      name_{settings.session.local_box},
      generators_{.link = test::SeededRandom{seed}, .chain = test::SeededRandom{seed + 1}, .openssl = {}},
      make_chain_{std::move(make_chain)},
      settings_{std::move(settings)},
      unseal_{std::move(unseal)},
      vault_{world, name_, [this](const char* what) { return at_io(what); }} {
  vault_.on_done = [this](const Result<std::uint64_t>& outcome) {
    each([&](SimulatedMemory& memory) { memory.link().on_vault_done(outcome); });
  };
  network_.attach(
      number_,
      {.connected = [this] { each([](SimulatedMemory& memory) { memory.link().on_connected(); }); },
       .received = [this](const std::vector<std::byte>& bytes, bool forged) { on_received(bytes, forged); },
       .disconnected =
           [this](const char* reason) {
             each([reason](SimulatedMemory& memory) { memory.link().on_disconnected(reason); });
           },
       .up = [this] { return running(); },
       .busy = [this] { return running() && !memory_->link().may_be_displaced(); },
       .datagram = [this](const std::vector<std::byte>& datagram, bool forged) { on_datagram(datagram, forged); }});
}

bool SimulatedBox::begin_work() {
  if (!running()) return false;
  touched_ = true;
  witness_.enter(number_);
  return true;
}

std::unique_ptr<SimulatedMemory> SimulatedBox::make_memory(bool copy) {
  return std::make_unique<SimulatedMemory>(world_, witness_, number_, settings_, unseal_(), generators_, make_chain_,
                                           quarantine_, ahead_, copy ? nullptr : static_cast<Outside*>(this));
}

void SimulatedBox::start() {
  if (memory_) return;
  ++life_;
  allowed_ = false;
  world_.say(name_, "starts");
  witness_.enter(number_);
  memory_ = make_memory(false);
  if (copies_ && !copy_) copy_ = make_memory(true);
  const auto before = alarms_;
  const auto kept = with_vault_ ? std::optional{vault_.open()} : std::nullopt;
  each([&](SimulatedMemory& memory) {
    if (kept) memory.link().restore(copy_of(*kept));
    memory.link().begin();
  });
  if (std::exchange(rollback_alarm_due_, false) && alarms_ == before)
    witness_.broken("A2: a disk was put back and no alarm was raised");
}

void SimulatedBox::allow_bootstrap() {
  each([this](SimulatedMemory& memory) {
    const bool awaited = memory.link().session_status().awaited == session::Awaited::own_operator;
    const bool done = memory.link().allow_bootstrap().has_value();
    if (&memory != memory_.get()) return;
    if (done != awaited) witness_.broken("I11: an operator who is not awaited is obeyed, or one who is is not");
    if (!done) return;
    world_.say(name_, "its operator lets it bootstrap");
    ++allowances_;
    allowed_ = true;
  });
}

void SimulatedBox::on_bootstrapped() {
  ++bootstraps_;
  const bool by_operator = settings_.session.bootstrap_again == session::BootstrapAgain::by_operator;
  if (!by_operator || std::exchange(allowed_, false)) return;
  if (vault_.bootstrapped()) witness_.broken("I11: a link has bootstrapped again, and no operator has allowed it");
  vault_.on_bootstrapped();
}

void SimulatedBox::end_life() {
  lowered_ = false;
  ++life_;
  doomed_ = false;
  doom_.reset();
  if (copy_ && !copy_->frozen()) copy_.reset();
  if (!memory_) return;
  generators_ = memory_->generators();
  memory_.reset();
  witness_.on_session_end(number_);
}

void SimulatedBox::crash(Crash how) {
  if (!memory_) return;
  world_.say(name_, "{}", how == Crash::power ? "loses power" : "is killed");
  ++crashes_;
  end_life();
  if (how == Crash::power) {
    vault_.power_fails();
    network_.vanish(number_);  // nobody says goodbye
  } else {
    vault_.process_dies();
    network_.disconnect(number_);
  }
}

void SimulatedBox::keep_copies() {
  copies_ = true;
  generators_.openssl.emplace(number_ + 1);
}

void SimulatedBox::take_memory_snapshot() {
  if (!copy_ || copy_->frozen()) return;
  if (!copy_->may_be_frozen() || vault_.busy()) return world_.plan_in(1ms, [this] { take_memory_snapshot(); });
  vault_.take_snapshot();
  copy_->freeze();
}

void SimulatedBox::restore_memory(TurnedBack what) {
  world_.say(name_, "its memory is put back to the snapshot");
  end_life();
  vault_.process_dies();
  network_.vanish(number_);
  turn_back(what);
  memory_ = std::move(copy_);
  memory_->thaw(*this);
  if (hooks::planted(hooks::PlantedBug::restored_memory_used)) {
    world_.plan_in(10ms, [this, life = life_] {  // what its connection had been is no more
      if (life == life_) each([](SimulatedMemory& memory) { memory.link().on_disconnected("reset"); });
    });
    return;
  }
  memory_.reset();
  start();
}

bool SimulatedBox::at_io(const char* what) {
  if (doomed_) return false;
  if (!doom_ || doom_->calls-- > 0) return true;
  world_.say(name_, "crashes where it would {}", what);
  doomed_ = true;
  world_.plan_in(0us, [this, life = life_, how = doom_->how] {
    if (life != life_) return;
    crash(how);
    on_crashed(how);
  });
  return false;
}

void SimulatedBox::jump(Duration ahead, std::int64_t wall_ahead_ms) {
  world_.say(name_, "its clock jumps ahead by {}", std::chrono::duration_cast<std::chrono::milliseconds>(ahead));
  ahead_ += ahead;
  if (memory_) memory_->jump(ahead);
  if (copy_ && !copy_->frozen()) copy_->jump(ahead);
  witness_.set_wall_clock(number_, wall_ahead_ms);
}

bool SimulatedBox::settled() const {
  if (!running() || !memory_->sends()) return false;
  const auto by = link().session_status().authenticator;
  return (by == session::Authenticator::qkd || by == session::Authenticator::computational) &&
         tunnel().source == vpn::KeySource::qkd;
}

void SimulatedBox::look() {
  if (!std::exchange(touched_, false) || !memory_) return;
  if (const auto before = std::exchange(reserve_before_unpaid_, std::nullopt);
      before && link().session_status().reserve_bits > *before)
    witness_.broken("I12: bits of a block that was not paid for went to the reserve");
  const auto balance = link().store().balance();
  if (balance.produced_bits !=
      balance.reserve_bits + balance.taken_bits + balance.burnt_bits + balance.discarded_bits + balance.stock_bits)
    witness_.broken("I7: bits appeared or vanished in the key store");
  if (traffic_.received_twice != 0) witness_.broken("I2: a packet was taken twice");
  if (traffic_.not_authentic != 0) witness_.broken("I6: a packet of the peer does not open: the keys differ");
  if (traffic_.forgeries_taken != 0) witness_.broken("I2: a packet was taken that the peer has not sent");
}

void SimulatedBox::on_received(const std::vector<std::byte>& bytes, bool forged) {
  if (!running()) return;
  const auto before = forged ? link().session_status().reserve_bits : 0;
  each([&](SimulatedMemory& memory) { memory.link().on_received(bytes); });
  if (forged && link().session_status().reserve_bits < before)
    witness_.broken("I4: a forgery took bits from the reserve");
}

void SimulatedBox::on_frame(const hal::DetectionFrame& frame) {
  each([&](SimulatedMemory& memory) { memory.on_frame(frame); });
}

void SimulatedBox::watched(Duration light, std::uint64_t clicks) {
  each([&](SimulatedMemory& memory) { memory.watched(light, clicks); });
}

void SimulatedBox::suspect() {
  if (running()) world_.say(name_, "suspects its device");
  each([](SimulatedMemory& memory) { memory.suspect(); });
}

void SimulatedBox::amplified(distill::Amplified& made) {
  witness_.on_amplified(made.key.expose_bytes());
  on_amplified(made);
}

void SimulatedBox::connect(Instant not_before) {
  if (at_io("connect")) network_.connect(not_before);
}
void SimulatedBox::transmit(std::vector<std::byte> bytes) {
  if (!at_io("transmit")) return;
  witness_.on_sent(bytes);
  network_.transmit(number_, bytes);
}
void SimulatedBox::disconnect() {
  if (at_io("disconnect")) network_.disconnect(number_);
}
void SimulatedBox::store_record(std::vector<std::byte> record) {
  if (at_io("store the record")) vault_.store(std::move(record));
}
void SimulatedBox::move_counter(session::Counter counter, std::uint64_t to) {
  if (at_io("ask for a counter's move")) vault_.move(counter, to);
}

void SimulatedBox::installed(vpn::Spi spi, const vpn::SaKey& key, bool inbound) {
  if (!inbound) world_.note("outbound", number_);
  witness_.on_sa(spi.value, key.expose());
  if (inbound) on_installed_inbound();
}

void SimulatedBox::installed_pad(bool inbound) {
  if (!inbound) world_.note("outbound", number_);
  if (inbound) on_installed_inbound();
}

void SimulatedBox::info(const std::string& code, const std::string& subject, const std::string& text) {
  if (code == "AUTHENTICATION_RAISED") lowered_ = false;
  world_.note(code, number_);
  world_.say(name_, "{} {}: {}", code, subject, text);
  if (code == "BOOTSTRAP_DONE") on_bootstrapped();
  if (code == "SESSION_RESUMED") allowed_ = false;
  if (code == "SESSION_RESUMED" && text.contains("restart")) ++sealed_resumptions_;
  if (code != "SESSION_RESUMED" && code != "AUTHENTICATION_SWITCHED") return;
  const bool pads_needed = settings_.session.policy == session::Policy::its_only;
  const std::uint64_t least_bits = 128 + 256 + (pads_needed ? 2 * 128 : 0);
  if (link().session_status().reserve_bits < least_bits)
    witness_.broken("I5: a session on QKD keys without keys and pads for it");
}
void SimulatedBox::alarm(const std::string& code, const std::string& subject, const std::string& text) {
  info(code, subject, text);
  ++alarms_;
  if (code == "AUTHENTICATION_LOWERED") lowered_ = true;
  if (code == "RESERVE_EMPTY" && settings_.session.policy != session::Policy::its_only)
    witness_.broken("I12: a session has ended for want of pads which it could go on without");
  on_alarm(code, text);
}
void SimulatedBox::record(const std::string& account_line) {
  world_.note("account", account_line.size());
  if (account_line.contains(R"("outcome": "held")")) {
    ++blocks_held_;
    on_block_held(account_line);
  }
  accounts_.push_back(account_line);
}
void SimulatedBox::on_block_held(std::string_view account_line) {
  constexpr std::string_view member = R"("authenticated_by": ")";
  auto label = account_line.substr(account_line.find(member) + member.size());
  label = label.substr(0, label.find('"'));
  witness_.on_label(label);
  if (!policy_allows(label)) witness_.broken("I12: a block was authenticated as the policy does not allow");
  if (label != "computational") return;
  ++blocks_computational_;
  if (settings_.session.policy == session::Policy::its_preferred)
    reserve_before_unpaid_ = link().session_status().reserve_bits;
}

/// The next life begins there.
bool SimulatedBox::book_epsilon(double total) {
  world_.note("epsilon", total > 0 ? 1U : 0U);
  settings_.epsilon_booked = total;
  return at_io("book epsilon");
}

}  // namespace cloister::simulation
