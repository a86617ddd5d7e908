// A backup of both boxes, a restart since then, and the backup put back: the disks, and one of the TPMs.
#include <catch2/catch_test_macros.hpp>

#include "tests/simulation/planted_bugs.hpp"
#include "tests/simulation/seeded_openssl.hpp"
#include "tests/simulation/stage.hpp"

namespace cloister::simulation {
namespace {
using namespace std::chrono_literals;

struct Backup {
  bool pad_used_twice = false;
  bool alarmed = false;
  bool settled = false;
};

Backup put_backup_back(std::size_t with_tpm, const Bugs& bugs) {
  const SeededOpenssl repeatable{1};
  plant(bugs);
  VirtualWorld world{1};
  Stage stage{world, Speed::store, 1, Bootstrap::psk, {}};
  stage.witness.care_only_for("I1");
  Backup backup;
  for (auto& box : stage.boxes) {
    box.on_alarm = [&](const std::string& code, const std::string&) {
      backup.alarmed = backup.alarmed || code == "RESERVE_ROLLED_BACK";
    };
  }
  stage.begin();
  world.run_for(5s);
  for (auto& box : stage.boxes) box.vault().take_snapshot();
  stage.boxes[with_tpm].crash(Crash::power);
  world.run_for(100ms);
  stage.boxes[with_tpm].start();
  world.run_for(8s);
  for (std::size_t i = 0; i < 2; ++i) {
    stage.boxes[i].crash(Crash::power);
    stage.boxes[i].turn_back(i == with_tpm ? TurnedBack::disk_and_tpm : TurnedBack::disk);
  }
  world.run_for(100ms);
  for (auto& box : stage.boxes) box.start();
  world.run_for(20s);
  backup.pad_used_twice = !stage.witness.failure().empty();
  backup.settled = stage.boxes[0].settled() && stage.boxes[1].settled();
  plant({});
  return backup;
}

TEST_CASE("A backup of both boxes that is put back, one with its TPM, is an alarm and uses no pad twice",
          "[simulation]") {
  using enum hooks::PlantedBug;
  for (const std::size_t with_tpm : {0U, 1U}) {
    INFO("the TPM of box " << with_tpm);
    const auto sound = put_backup_back(with_tpm, {});
    CHECK_FALSE(sound.pad_used_twice);
    CHECK(sound.alarmed);
    CHECK(sound.settled);
    // A box without a lease, a peer that goes along and no alarm: only all three together let a pad be used twice.
    for (unsigned off = 1; off < 8; ++off) {
      Bugs bugs;
      bugs.set(static_cast<std::size_t>(no_lease), (off & 1U) != 0);
      bugs.set(static_cast<std::size_t>(opened_without_grant), (off & 2U) != 0);
      bugs.set(static_cast<std::size_t>(rollback_not_noticed), (off & 4U) != 0);
      INFO("defences off: " << names_of(bugs));
      CHECK(put_backup_back(with_tpm, bugs).pad_used_twice == (off == 7));
    }
  }
}

}  // namespace
}  // namespace cloister::simulation
