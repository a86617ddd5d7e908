// A TPM (swtpm) that fails: each way is one clear message with its remedy, in time, and costs nothing that was sealed.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>

#include "crypto/tpm.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;
using test::ListeningBus;
using test::SoftwareTpm;
using test::Spoilt;
using Bytes = std::vector<std::byte>;

constexpr auto patience = 250ms;

Bytes a_secret() { return Bytes(32, std::byte{0xC3}); }

Bytes sealed_by(const SoftwareTpm& software) {
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  auto sealed = tpm->seal(a_secret());
  REQUIRE(sealed);
  return std::move(*sealed);
}

/// As at a box's start: the TPM is opened, something is unsealed, and the TPM is let go.
std::expected<SecretVector<std::byte>, Unopened> start(const std::string& tcti, const Bytes& blob) {
  auto tpm = Tpm::open(tcti, patience);
  if (!tpm) return std::unexpected{Unopened{tpm.error()}};
  return tpm->unseal(blob);
}

/// A TPM's whole answer that is this code alone (TPM 2.0 part 1, 18.4).
Bytes only_code(unsigned code) {
  Bytes answer{std::byte{0x80}, std::byte{0x01}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{10}};
  for (const unsigned shift : {24U, 16U, 8U, 0U}) answer.push_back(static_cast<std::byte>(code >> shift));
  return answer;
}

Bytes first_half(Bytes answer) {
  answer.resize(answer.size() / 2);
  return answer;
}

/// Its slots are free again of what a client that is gone had in them; the kernel's resource manager does that itself.
void power_cycle(SoftwareTpm& software) {
  software.cut_power();
  software.start();
}

/// How many answers a start takes on a TPM that is well.
int answers_of_a_start(const SoftwareTpm& software, const Bytes& blob) {
  ListeningBus bus{software};
  REQUIRE(start(bus.tcti(), blob));
  return bus.answers_heard();
}

TEST_CASE("Each way in which a TPM fails is a message with its remedy, in time, and what it has sealed opens later",
          "[tpm]") {
  struct Way {
    const char* name;
    Spoilt (*spoil)(Bytes);
    const char* cause;
    const char* remedy;
  };
  const auto ways = std::to_array<Way>({
      {"it hangs", [](Bytes) { return Spoilt{}; }, "no answer within 0.25 s", "power the box off and on"},
      {"half an answer, then silence", [](Bytes answer) { return Spoilt{first_half(std::move(answer))}; },
       "half an answer", "power the box off and on"},
      {"half an answer, then gone", [](Bytes answer) { return Spoilt{first_half(std::move(answer)), true}; },
       "in the middle of an answer", "ls /dev/tpmrm0"},
      {"gone", [](Bytes) { return Spoilt{{}, true}; }, "before it answered", "ls /dev/tpmrm0"},
      {"an answer without an end", [](Bytes) { return Spoilt{Bytes(8192, std::byte{0xFF})}; }, "longer than any", ""},
      {"lockout", [](Bytes) { return Spoilt{only_code(0x921)}; }, "locked out", "wait, or clear the lockout"},
      {"failure mode", [](Bytes) { return Spoilt{only_code(0x101)}; }, "failure mode", "power the box off and on"},
      {"slow memory", [](Bytes) { return Spoilt{only_code(0x920)}; }, "slows writes", "wait"},
  });
  SoftwareTpm software;
  const auto blob = sealed_by(software);
  const int answers = answers_of_a_start(software, blob);
  CHECK(answers > 8);
  for (const auto& way : ways) {
    for (const int number : {1, answers / 2}) {
      INFO(way.name << ", answer " << number);
      ListeningBus bus{software};
      bus.spoil_answer(number, way.spoil);
      const auto begun = std::chrono::steady_clock::now();
      const auto opened = start(bus.tcti(), blob);
      CHECK(std::chrono::steady_clock::now() - begun < 2 * patience + 1s);
      REQUIRE_FALSE(opened);
      CHECK_THAT(opened.error().message, ContainsSubstring(way.cause) && ContainsSubstring(way.remedy));
      CHECK_FALSE(opened.error().message.contains('\n'));
      CHECK_FALSE(opened.error().for_good);
      power_cycle(software);
      CHECK(start(software.tcti(), blob));
    }
  }
}

TEST_CASE("An answer that is cut off, whichever it is, is an error and nothing worse", "[tpm]") {
  SoftwareTpm software;
  const auto blob = sealed_by(software);
  const int answers = answers_of_a_start(software, blob);
  int failed = 0;
  for (int number = 0; number < answers; ++number) {
    INFO("answer " << number);
    ListeningBus bus{software};
    bus.spoil_answer(number, [](Bytes answer) { return Spoilt{first_half(std::move(answer)), true}; });
    const auto opened = start(bus.tcti(), blob);
    power_cycle(software);
    // The last answers are to what gives the TPM's slots back, when the secret is open.
    if (opened) continue;
    ++failed;
    CHECK_THAT(opened.error().message, ContainsSubstring("in the middle of an answer"));
    CHECK_FALSE(opened.error().for_good);
  }
  CHECK(failed > answers / 2);
}

TEST_CASE("A replaced TPM is told from one that fails: what it never opens is lost for good", "[tpm]") {
  const SoftwareTpm old;
  const SoftwareTpm replaced;
  const auto opened = start(replaced.tcti(), sealed_by(old));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().for_good);
  CHECK_THAT(opened.error().message, ContainsSubstring("another TPM") && ContainsSubstring("seal it again"));
}

TEST_CASE("Twenty pulled plugs, each in the middle of its use, lock nobody out", "[tpm]") {
  SoftwareTpm software;
  const auto blob = sealed_by(software);
  for (int plug = 0; plug < 20; ++plug) {
    {
      auto tpm = Tpm::open(software.tcti());
      REQUIRE(tpm);
      REQUIRE(tpm->unseal(blob));
      software.cut_power();  // with the connection open, without a TPM2_Shutdown
      CHECK_FALSE(tpm->unseal(blob));
    }
    software.start();
  }
  const auto opened = start(software.tcti(), blob);
  REQUIRE(opened);
  CHECK(std::ranges::equal(*opened, a_secret()));
}

TEST_CASE("The name of a TPM that has none of the forms is refused by saying them", "[tpm]") {
  for (const char* name : {"", "tabrmd", "device", "swtpm:port=1", "swtpm:host=127.0.0.1", "libtss2-tcti-device.so"}) {
    INFO(name);
    const auto tpm = Tpm::open(std::string{name});
    REQUIRE_FALSE(tpm);
    CHECK_THAT(tpm.error().message, ContainsSubstring("device:/dev/tpmrm0"));
  }
}

}  // namespace
}  // namespace cloister::crypto
