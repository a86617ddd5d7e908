// What a link keeps on disk and in a real TPM (swtpm): it comes back whole, or with a reason why not.
#include "appliance/drivers/vault.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>

#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::drivers {
namespace {
using Catch::Matchers::ContainsSubstring;
using crypto::test::SoftwareTpm;

struct Place {
  SoftwareTpm tpm;
  std::string path = tpm.state_directory() + "-line.reserve";

  [[nodiscard]] VaultSettings settings(const SoftwareTpm& on) const {
    return {.tpm = on.tcti(), .path = path, .link = "line", .local_box = "geneva", .peer_box = "paris"};
  }
  [[nodiscard]] session::KeptReserve look(const SoftwareTpm& on) const {
    auto vault = Vault::open(settings(on));
    REQUIRE(vault);
    return vault->take_kept();
  }
  [[nodiscard]] session::KeptReserve look() const { return look(tpm); }
};

std::vector<std::byte> a_record() {
  std::vector<std::byte> record;
  for (int i = 0; i < 5000; ++i) record.push_back(static_cast<std::byte>(37 * i + (i >> 8)));
  return record;
}

void store(const Place& place) {
  auto vault = Vault::open(place.settings(place.tpm));
  REQUIRE(vault);
  REQUIRE(vault->store(a_record()));
}

std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_CASE("A record and both counters come back as they were left; on disk the record cannot be read", "[tpm]") {
  const Place place;
  CHECK(place.look().problem.empty());
  store(place);
  auto vault = Vault::open(place.settings(place.tpm));
  REQUIRE(vault);
  const auto kept = vault->take_kept();
  CHECK(kept.problem.empty());
  REQUIRE(kept.record);
  CHECK(std::ranges::equal(*kept.record, a_record()));
  CHECK(vault->move(session::Counter::own, kept.own + 2) == kept.own + 2);
  CHECK(vault->move(session::Counter::granted, kept.granted + 1) == kept.granted + 1);
  const auto again = place.look();
  CHECK(again.own == kept.own + 2);
  CHECK(again.granted == kept.granted + 1);
  const auto file = bytes_of(place.path);
  const auto record = a_record();
  CHECK_FALSE(file.contains(std::string{reinterpret_cast<const char*>(record.data()), 8}));
}

TEST_CASE("A changed, cut or missing record, and one of another link, are problems with a reason", "[tpm]") {
  const Place place;
  store(place);
  const auto whole = bytes_of(place.path);
  const auto put = [&](const std::string& bytes) { std::ofstream{place.path, std::ios::binary} << bytes; };
  for (std::size_t at = 0; at < whole.size(); at += 777) {
    auto changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    put(changed);
    CHECK_THAT(place.look().problem, ContainsSubstring("damaged"));
  }
  put(whole.substr(0, whole.size() / 2));
  CHECK_THAT(place.look().problem, ContainsSubstring("damaged"));
  put("");
  CHECK_THAT(place.look().problem, ContainsSubstring("damaged"));
  put(whole);
  CHECK(place.look().record);
  auto other = place.settings(place.tpm);
  other.local_box = "lyon";
  auto vault = Vault::open(other);
  REQUIRE(vault);
  CHECK_THAT(vault->take_kept().problem, ContainsSubstring("another link"));
  std::filesystem::remove(place.path);
  CHECK_THAT(place.look().problem, ContainsSubstring("is gone"));
}

TEST_CASE("A TPM that cannot just now, at whichever of its answers, costs no sealed reserve", "[tpm]") {
  Place place;
  store(place);
  const auto key = bytes_of(Vault::key_path(place.path));
  // TPM_RC_LOCKOUT, alone (TPM 2.0 part 1, 18.4).
  const auto locked_out = [](const std::vector<std::byte>&) {
    std::vector<std::byte> answer;
    for (const unsigned byte : {0x80U, 1U, 0U, 0U, 0U, 10U, 0U, 0U, 9U, 0x21U})
      answer.push_back(static_cast<std::byte>(byte));
    return crypto::test::Spoilt{answer};
  };
  int refused = 0;
  for (int number = 0; number < 25; ++number) {
    INFO("answer " << number);
    crypto::test::ListeningBus bus{place.tpm};
    bus.spoil_answer(number, locked_out);
    auto settings = place.settings(place.tpm);
    settings.tpm = bus.tcti();
    const auto vault = Vault::open(settings);
    if (!vault) CHECK_THAT(vault.error().message, ContainsSubstring("locked out"));
    refused += vault ? 0 : 1;
    REQUIRE(bytes_of(Vault::key_path(place.path)) == key);
    place.tpm.cut_power();
    place.tpm.start();
  }
  CHECK(refused > 10);
  CHECK(place.look().record);
}

TEST_CASE("A disk in a box with another TPM is a problem with a reason, and that TPM serves from then on", "[tpm]") {
  const Place place;
  const SoftwareTpm another;
  store(place);
  const auto kept = place.look(another);
  CHECK_FALSE(kept.record);
  CHECK_THAT(kept.problem, ContainsSubstring("does not open"));
  auto vault = Vault::open(place.settings(another));
  REQUIRE(vault);
  REQUIRE(vault->store(a_record()));
  CHECK(place.look(another).record);
}

}  // namespace
}  // namespace cloister::drivers
