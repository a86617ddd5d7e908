// What systemd-sysupdate says, and what people are told of it; where updates come from.
#include "appliance/cloisterctl/sysupdate.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <format>
#include <fstream>
#include <string>

namespace cloister::cloisterctl {
namespace {
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Updates come from a directory or by https, and from nothing that a definition would read otherwise",
          "[update]") {
  CHECK(update_source("https://updates.example/cloister") == "https://updates.example/cloister");
  CHECK(update_source("/tmp") == "file:///tmp");
  for (const char* wrong : {"", "tmp", "/nonexistent", "http://updates.example/", "https://", "https://a/%h",
                            "https://a/\nVerify=no", "https://a b", "file:///tmp", "--reboot"}) {
    INFO(wrong);
    const auto refused = update_source(wrong);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring("absolute directory or an https URL"));
  }
}

TEST_CASE("The last line says which version is newer, or that none is", "[update]") {
  CHECK(version_available("Discovering…\nSignature verification succeeded.\n{\"available\":\"0.2.0\"}\n") == "0.2.0");
  const auto none = version_available("{\"available\":null}\n");
  REQUIRE(none);
  CHECK_FALSE(*none);
  for (const char* wrong :
       {"", "\n", "0.2.0\n", "{}\n", "{\"available\":2}\n", "[]\n", "{\"available\":\"2\"}\nmore\n"}) {
    INFO(wrong);
    CHECK_FALSE(version_available(wrong));
  }
}

TEST_CASE("Why an update failed is said in words, and what nobody knew of is passed on", "[update]") {
  const auto why = [](const char* said) {
    return why_no_update(std::string{"Pulling\n"} + said + "\nExiting.\n", "/s");
  };
  CHECK_THAT(why("DOWNLOAD INVALID: Signature verification failed."), ContainsSubstring("not signed with a key"));
  CHECK_THAT(why("Failed to retrieve signature file, cannot verify."), ContainsSubstring("no signature"));
  CHECK_THAT(why("DOWNLOAD INVALID: Checksum of file:///s/a file did not check out"),
             ContainsSubstring("cut or changed"));
  CHECK_THAT(why("Failed to write: No space left on device"), ContainsSubstring("disk is full"));
  CHECK_THAT(why("Transfer failed: Could not read a file:// file"), ContainsSubstring("the manifest"));
  CHECK(why_no_update("a\nTransfer failed: no route\nExiting.\n(sd-pull) failed with exit status 1.\n", "/s") ==
        "'/s' gives no update; what runs is untouched: Transfer failed: no route");
}

TEST_CASE("A notification says how far it is, or is of something else", "[update]") {
  CHECK(update_progress("X_SYSUPDATE_PROGRESS=37\nX_SYSUPDATE_TRANSFERS_LEFT=2\nSTATUS=Updating") == 37U);
  for (const char* other :
       {"", "READY=1", "X_SYSUPDATE_PROGRESS=", "X_SYSUPDATE_PROGRESS=101", "X_SYSUPDATE_PROGRESS=x"})
    CHECK_FALSE(update_progress(other));
}

TEST_CASE("Versions are compared by their numbers", "[update]") {
  for (const auto& [later, earlier] : {std::pair{"0.1.1", "0.1.0"}, {"0.10.0", "0.9.9"}, {"1.0", "0.99"}}) {
    CHECK(is_later(later, earlier));
    CHECK_FALSE(is_later(earlier, later));
    CHECK_FALSE(is_later(later, later));
  }
}

TEST_CASE("Nothing is replaced while it is open whether what runs is good", "[update]") {
  const auto here = std::filesystem::temp_directory_path() / std::format("cloister-verdict-{}", ::getpid());
  std::filesystem::create_directory(here);
  const Verdict verdict{.counted = here / "counted", .found_good = here / "found-good"};
  CHECK(may_replace_other(verdict));
  std::ofstream{verdict.counted} << 3;
  const auto refused = may_replace_other(verdict);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("not found good yet"));
  std::ofstream{verdict.found_good} << "";
  CHECK(may_replace_other(verdict));
  std::filesystem::remove_all(here);
}

TEST_CASE("What is no appliance has no image to update", "[update]") {
  const auto refused = ImageUpdate::from("/tmp", "/nonexistent/definitions");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("no appliance"));
  const auto file = std::filesystem::temp_directory_path() / std::format("cloister-os-release-{}", ::getpid());
  std::ofstream{file} << "ID=debian\nIMAGE_VERSION=\"0.1.0\"\n";
  CHECK(running_version(file) == "0.1.0");
  std::ofstream{file} << "ID=debian\n";
  CHECK_FALSE(running_version(file));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace cloister::cloisterctl
