// What `zeroize` does to the sealed secrets of a box, with a real TPM (swtpm).
#include "appliance/box/zeroize.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>

#include "appliance/drivers/vault.hpp"
#include "crypto/identity.hpp"
#include "crypto/tpm_counter.hpp"
#include "crypto/tpm_file.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::box {
namespace {
namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using crypto::test::SoftwareTpm;

/// A box with everything that is ever sealed: a PSK, an identity and a reserve.
struct SealedBox {
  SoftwareTpm software;
  fs::path files = software.state_directory() + "-files";
  fs::path copy = software.state_directory() + "-copy";
  config::Configuration configuration;

  SealedBox() {
    fs::create_directory(files);
    configuration.box.name = "geneva";
    configuration.box.state_directory = files.string();
    configuration.box.identity = (files / "identity").string();
    configuration.tpm.tcti = software.tcti();
    config::Link link;
    link.name = "line";
    link.peer = "paris";
    link.bootstrap.psk = (files / "line.psk").string();
    configuration.links.push_back(link);

    seal_credentials();
    auto vault = open_vault();
    REQUIRE(vault);
    REQUIRE(vault->store(std::vector<std::byte>(4096, std::byte{0xA5})));
    fs::copy(files, copy, fs::copy_options::recursive);
  }
  void seal_credentials() const {
    auto tpm = crypto::Tpm::open(software.tcti());
    REQUIRE(tpm);
    const std::vector<std::byte> psk(32, std::byte{0x5A});
    REQUIRE(crypto::seal_to_file(*tpm, configuration.links[0].bootstrap.psk, psk, false));
    crypto::SystemRandom random;
    const auto identity = crypto::Identity::generate(random);
    REQUIRE(identity);
    REQUIRE(crypto::seal_to_file(*tpm, configuration.box.identity, identity->expose(), false));
    std::ofstream{files / "identity.pub"} << "public";
  }
  SealedBox(const SealedBox&) = delete;
  SealedBox& operator=(const SealedBox&) = delete;
  ~SealedBox() {
    std::error_code none;
    fs::remove_all(files, none);
    fs::remove_all(copy, none);
  }

  [[nodiscard]] Result<drivers::Vault> open_vault() const {
    return drivers::Vault::open({.tpm = software.tcti(),
                                 .path = reserve_path(configuration, configuration.links[0]),
                                 .link = "line",
                                 .local_box = "geneva",
                                 .peer_box = "paris"});
  }
};

TEST_CASE("Nothing sealed is left on disk, and what was copied before opens no more on the same TPM", "[tpm]") {
  const SealedBox box;
  CHECK(destroy_sealed(box.configuration).empty());
  for (const char* name : {"line.psk", "identity", "line.reserve", "line.reserve-key"}) {
    INFO(name);
    CHECK_FALSE(fs::exists(box.files / name));
    CHECK(fs::exists(box.copy / name));
  }
  CHECK(fs::exists(box.files / "identity.pub"));  // nothing secret

  fs::copy(box.copy, box.files, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  {
    auto tpm = crypto::Tpm::open(box.software.tcti());
    REQUIRE(tpm);
    const auto psk = crypto::unseal_file(*tpm, box.configuration.links[0].bootstrap.psk, "sealed PSK", "");
    REQUIRE_FALSE(psk);
    CHECK_THAT(psk.error().message, ContainsSubstring("zeroized"));
    CHECK_FALSE(crypto::unseal_identity(*tpm, box.configuration.box.identity));
  }
  auto vault = box.open_vault();
  REQUIRE(vault);
  const auto kept = vault->take_kept();
  CHECK_FALSE(kept.record);
  CHECK_THAT(kept.problem, ContainsSubstring("zeroized"));
}

TEST_CASE("The counters of a box's links leave the TPM; those made later begin above them", "[tpm]") {
  const SealedBox box;
  const auto index = drivers::Vault::counter_index("line", "paris", session::Counter::own);
  std::uint64_t before = 0;
  {
    auto tpm = crypto::Tpm::open(box.software.tcti());
    REQUIRE(tpm);
    before = crypto::TpmCounter::advance(*tpm, index, 9).value();
  }
  CHECK(destroy_sealed(box.configuration).empty());
  auto tpm = crypto::Tpm::open(box.software.tcti());
  REQUIRE(tpm);
  const auto anew = crypto::TpmCounter::open(*tpm, index);
  REQUIRE(anew);
  CHECK(anew->made);
  CHECK(anew->value > before);
}

TEST_CASE("Where the TPM does not answer, the files go all the same, and the failure is told", "[tpm]") {
  SealedBox box;
  box.configuration.tpm.tcti = "swtpm:path=/nonexistent/tpm";
  const auto failures = destroy_sealed(box.configuration);
  REQUIRE(failures.size() == 1);
  CHECK_THAT(incomplete_text(failures), ContainsSubstring("cannot be reached"));
  CHECK_FALSE(fs::exists(box.files / "line.psk"));
  CHECK_FALSE(fs::exists(box.files / "line.reserve-key"));
}

TEST_CASE("A second time there is nothing left to do, and no failure", "[tpm]") {
  const SealedBox box;
  CHECK(destroy_sealed(box.configuration).empty());
  CHECK(destroy_sealed(box.configuration).empty());
}

}  // namespace
}  // namespace cloister::box
