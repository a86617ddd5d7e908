#include "tests/simulation/simulated_vault.hpp"

#include <algorithm>
#include <cstring>

#include "appliance/wire/reader.hpp"
#include "tests/simulation/planted_bugs.hpp"

namespace cloister::simulation {
using namespace std::chrono_literals;
using hooks::planted;
namespace {

constexpr std::size_t sector_bytes = 512;

/// Of each sector either the new or the old, whichever the disk came to.
void tear(std::optional<std::vector<std::byte>>& durable, const std::optional<std::vector<std::byte>>& cached,
          VirtualWorld& world) {
  if (!cached || durable == cached) return;
  const bool known = durable.has_value();
  if (!known && world.happens(0.3)) return;  // not even its name
  std::vector<std::byte> now = known ? *durable : std::vector<std::byte>{};
  if (world.happens(0.2)) {
    now.clear();  // its name, and no length
  } else {
    now.resize(cached->size());
    for (std::size_t at = 0; at < now.size(); at += sector_bytes) {
      if (world.happens(0.5)) continue;
      const auto count = std::min(sector_bytes, now.size() - at);
      std::memcpy(now.data() + at, cached->data() + at, count);
    }
  }
  durable = std::move(now);
}

crypto::AeadKey record_key(const std::string& box) {
  crypto::AeadKey key;
  std::ranges::fill(key.fill(), static_cast<std::byte>(box.front()));
  return key;
}

}  // namespace

void SimulatedDisk::write_beside(std::vector<std::byte> bytes) { beside_ = {std::move(bytes), {}}; }
void SimulatedDisk::sync_beside() { beside_.durable = beside_.cached; }

void SimulatedDisk::rename() {
  file_.cached = beside_.cached;
  renamed_ = true;
}

void SimulatedDisk::sync_directory() {
  if (renamed_) file_.durable = beside_.durable ? beside_.durable : std::vector<std::byte>{};
  renamed_ = false;
}

void SimulatedDisk::flush() {
  beside_.durable = beside_.cached;
  file_.durable = file_.cached;
  renamed_ = false;
}

void SimulatedDisk::fail_power(VirtualWorld& world) {
  tear(beside_.durable, beside_.cached, world);
  // The directory's entry may have come to the disk before the file's sectors, or not at all.
  if (renamed_ && world.happens(0.5)) file_.durable = beside_.durable ? beside_.durable : std::vector<std::byte>{};
  renamed_ = false;
  beside_.cached = beside_.durable;
  file_.cached = file_.durable;
}

SimulatedVault::SimulatedVault(VirtualWorld& world, std::string box, std::function<bool(const char*)> at_io)
    : world_{world}, box_{std::move(box)}, at_io_{std::move(at_io)}, cipher_{record_key(box_)} {
  kept_.tpm = {.own = 1 + world.below(50), .granted = 1 + world.below(50)};
  synced_ = kept_.tpm;
  snapshot_ = kept_;
}

std::vector<std::byte> SimulatedVault::sealed(std::span<const std::byte> record) {
  crypto::AeadNonce nonce{};
  ++nonces_;
  std::memcpy(nonce.data(), &nonces_, sizeof nonces_);
  std::vector<std::byte> file(nonce.begin(), nonce.end());
  file.resize(nonce.size() + record.size() + crypto::aead_tag_bytes);
  cipher_.seal(nonce, {}, record, std::span{file}.subspan(nonce.size()));
  return file;
}

void SimulatedVault::provide(std::span<const std::byte> record) {
  kept_.disk.write_beside(sealed(record));
  kept_.disk.rename();
  kept_.disk.flush();
  kept_.counters_made = true;
  kept_.tpm.bootstrapped = true;
  kept_any_ = true;
  snapshot_ = kept_;
}

std::optional<crypto::SecretVector<std::byte>> SimulatedVault::opened(std::span<const std::byte> file) const {
  crypto::AeadNonce nonce{};
  if (file.size() <= nonce.size() + crypto::aead_tag_bytes) return std::nullopt;
  std::ranges::copy(file.first(nonce.size()), nonce.begin());
  crypto::SecretVector<std::byte> record(file.size() - nonce.size() - crypto::aead_tag_bytes);
  if (!cipher_.open(nonce, {}, file.subspan(nonce.size()), record)) return std::nullopt;
  return record;
}

/// How far the box may have moved its own counter, as the record on the disk says (session/sealed_reserve.cpp, encode).
std::optional<std::uint64_t> SimulatedVault::own_limit() const {
  const auto& file = kept_.disk.record();
  const auto record = file ? opened(*file) : std::nullopt;
  constexpr std::size_t limit_at = 2 + 4 + 4 + 8 + 8;
  if (!record || record->size() < limit_at) return std::nullopt;
  return wire::Reader{std::span{*record}.subspan(limit_at)}.u64();
}

session::KeptReserve SimulatedVault::open() {
  session::KeptReserve kept{.record = {}, .own = kept_.tpm.own, .granted = kept_.tpm.granted, .problem = {}};
  const auto& file = kept_.disk.record();
  const bool counters_known = std::exchange(kept_.counters_made, true);
  if (!file) {
    if (counters_known) kept.problem = "the TPM knows a sealed reserve of this link, but its record is gone";
    return kept;
  }
  if (!counters_known) {
    kept.problem = "the disk has a sealed reserve that the TPM knows nothing of";
    return kept;
  }
  if (auto record = opened(*file)) {
    kept.record = std::move(*record);
    return kept;
  }
  kept.problem = "the sealed reserve is damaged";
  return kept;
}

void SimulatedVault::store(std::vector<std::byte> record) {
  work_.push_back({.record = std::move(record)});
  next();
}

void SimulatedVault::move(session::Counter counter, std::uint64_t to) {
  work_.push_back({.record = {}, .counter = counter, .to = to});
  next();
}

void SimulatedVault::next() {
  if (working_ || work_.empty()) return;
  working_ = true;
  if (work_.front().record) return store_step(0);
  move_step();
}

void SimulatedVault::step(Duration takes, std::move_only_function<void()> what) {
  world_.plan_in(takes, [this, life = life_, what = std::move(what)]() mutable {
    if (life == life_) what();
  });
}

/// As drivers/whole_file.cpp does it.
void SimulatedVault::store_step(int number) {
  step(world_.between(200us, 5ms), [this, number] {
    SimulatedDisk& disk = kept_.disk;
    switch (number) {
      case 0:
        if (!at_io_("write the record")) return;
        disk.write_beside(sealed(*work_.front().record));
        break;
      case 1: {
        if (planted(PlantedBug::no_fsync)) break;
        if (!at_io_("sync the record")) return;
        if (trouble_.disk_error > 0 && world_.happens(trouble_.disk_error)) {
          world_.say(box_, "the disk does not take the record");
          refused_ = true;
          if (!planted(PlantedBug::fsync_error_lost)) return done(fail("the disk does not take the record"));
          break;
        }
        disk.sync_beside();
        break;
      }
      case 2:
        if (!at_io_("rename the record")) return;
        disk.rename();
        break;
      case 3:
        if (!planted(PlantedBug::no_fsync)) {
          if (!at_io_("sync the directory")) return;
          disk.sync_directory();
        }
        kept_any_ = true;
        return done(0);
      default:
        return;
    }
    store_step(number + 1);
  });
}

/// As crypto::TpmCounter::advance does it: the TPM counts one by one.
void SimulatedVault::move_step() {
  const bool slow = trouble_.tpm_slow > 0 && world_.happens(trouble_.tpm_slow);
  step(slow ? world_.between(1s, 8s) : world_.between(5ms, 100ms), [this] {
    if (!at_io_("move a counter")) return;
    const Work& work = work_.front();
    if (trouble_.tpm_refuses > 0 && world_.happens(trouble_.tpm_refuses)) {
      world_.say(box_, "the TPM refuses");
      refused_ = true;
      return done(fail("the TPM refuses"));
    }
    auto& counter = of(work.counter);
    if (counter < work.to) ++counter;
    if (counter < work.to) return move_step();
    if (planted(PlantedBug::counters_on_disk) && world_.happens(0.1)) synced_ = kept_.tpm;
    done(counter);
  });
}

void SimulatedVault::done(Result<std::uint64_t> outcome) {
  work_.pop_front();
  working_ = false;
  on_done(outcome);
  next();
}

void SimulatedVault::process_dies() {
  ++life_;
  work_.clear();
  working_ = false;
  kept_.disk.flush();
  synced_ = kept_.tpm;
}

void SimulatedVault::power_fails() {
  ++life_;
  work_.clear();
  working_ = false;
  kept_.disk.fail_power(world_);
  if (planted(PlantedBug::counters_on_disk)) kept_.tpm = synced_;
}

void SimulatedVault::take_snapshot() {
  world_.say(box_, "a snapshot is taken");
  snapshot_ = kept_;
  snapshot_.disk.flush();
}

bool SimulatedVault::turn_back(TurnedBack what) {
  const bool disk = what == TurnedBack::disk || what == TurnedBack::disk_and_tpm;
  const bool tpm =
      what == TurnedBack::tpm || what == TurnedBack::disk_and_tpm || (disk && planted(PlantedBug::counters_on_disk));
  if (disk) kept_.disk = snapshot_.disk;
  if (tpm) {
    kept_.tpm = snapshot_.tpm;
    kept_.counters_made = snapshot_.counters_made;
  }
  synced_ = kept_.tpm;
  if (what != TurnedBack::nothing)
    world_.say(box_, "{}{}{} put back to the snapshot", disk ? "the disk" : "", disk && tpm ? " and " : "",
               tpm ? "the TPM" : "");
  const auto limit = own_limit();
  return what == TurnedBack::disk && limit && kept_.tpm.own > *limit;
}

}  // namespace cloister::simulation
