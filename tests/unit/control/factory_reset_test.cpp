// Which box a disk that asks for a factory reset is meant for.
#include "appliance/cloisterctl/factory_reset.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <format>
#include <fstream>

#include "crypto/public_key.hpp"

namespace cloister::cloisterctl {
namespace {
using Catch::Matchers::ContainsSubstring;

struct Disk {
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / std::format("cloister-factory-reset-{}", ::getpid());
  std::string own_key = directory / "identity.pub";
  std::string asks = directory / "factory-reset";
  crypto::KeyPointer key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  std::string fingerprint = crypto::fingerprint_of(key.get()).hex;

  Disk() {
    std::filesystem::create_directories(directory);
    std::ofstream{own_key} << crypto::to_pem(key.get());
  }
  ~Disk() { std::filesystem::remove_all(directory); }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  [[nodiscard]] Result<> says(const std::string& text) const {
    std::ofstream{asks} << text;
    return meant_for(asks, own_key);
  }
};

TEST_CASE("A disk resets the box whose fingerprint it holds, with whatever end of line, and no other",
          "[factory-reset]") {
  const Disk disk;
  for (const char* end : {"", "\n", "\r\n", "\n\n"}) CHECK(disk.says(disk.fingerprint + end));
  const std::string other = (disk.fingerprint[0] == '0' ? "1" : "0") + disk.fingerprint.substr(1);
  for (const auto& wrong :
       {other, std::string{}, disk.fingerprint.substr(1), disk.fingerprint + "0", disk.fingerprint + "\n" + other}) {
    const auto refused = disk.says(wrong);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message,
               ContainsSubstring("meant for another box") && ContainsSubstring(disk.fingerprint));
  }
}

TEST_CASE("Without a file, or without a key of this box, nothing is reset", "[factory-reset]") {
  const Disk disk;
  CHECK_FALSE(meant_for(disk.asks, disk.own_key));
  std::filesystem::remove(disk.own_key);
  const auto refused = disk.says(disk.fingerprint);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("public key"));
}

TEST_CASE("The next start is asked for a new /var before anything is destroyed, or it is said why not",
          "[factory-reset]") {
  const Disk disk;
  const auto variable = (disk.directory / "FactoryReset").string();
  const auto content = [&] {
    std::ifstream file{variable, std::ios::binary};
    return std::string{std::istreambuf_iterator<char>{file}, {}};
  };
  const std::string asked{"\7\0\0\0001\0", 6};  // UEFI: attributes, then what systemd-repart takes for yes
  REQUIRE(ask_for_new_var(variable));
  CHECK(content() == asked);
  std::filesystem::permissions(variable, std::filesystem::perms::owner_read);
  CHECK(ask_for_new_var(variable));  // it was asked already
  const std::string nowhere = disk.directory / "no-efi" / "FactoryReset";
  for (const std::string& wrong : {nowhere, std::string{"/dev/full"}, std::string{"/dev/null"}}) {
    const auto refused = ask_for_new_var(wrong);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring(wrong) && ContainsSubstring("nothing was destroyed"));
  }
}

}  // namespace
}  // namespace cloister::cloisterctl
