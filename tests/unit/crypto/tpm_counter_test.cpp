// Counters in a real TPM 2.0 (swtpm): what turns them back, and what does not.
#include "crypto/tpm_counter.hpp"

#include <tss2/tss2_tpm2_types.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;
using test::ListeningBus;
using test::SoftwareTpm;

const std::uint32_t own = TpmCounter::index_of("line/paris", 0);

std::uint64_t value_of(const SoftwareTpm& software) {
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto reading = TpmCounter::open(*tpm, own);
  REQUIRE(reading);
  CHECK_FALSE(reading->made);
  return reading->value;
}

std::uint64_t advance_to(const SoftwareTpm& software, std::uint64_t to) {
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto value = TpmCounter::advance(*tpm, own, to);
  REQUIRE(value);
  return *value;
}

TEST_CASE(
    "A counter is made once, goes up as far as it is told and no farther, and keeps its value through a power cut",
    "[tpm]") {
  SoftwareTpm software;
  std::uint64_t first = 0;
  {
    auto tpm = Tpm::open(software.tcti());
    REQUIRE(tpm);
    const auto made = TpmCounter::open(*tpm, own);
    REQUIRE(made);
    CHECK(made->made);
    first = made->value;
  }
  CHECK(value_of(software) == first);
  CHECK(advance_to(software, first + 3) == first + 3);
  CHECK(advance_to(software, first + 1) == first + 3);  // it never goes back
  software.cut_power();
  software.start();
  CHECK(value_of(software) == first + 3);
  CHECK(advance_to(software, first + 4) == first + 4);
}

TEST_CASE("Thirty power cuts, each after a step, neither lock the counter nor lose a step", "[tpm]") {
  SoftwareTpm software;
  std::uint64_t value = 0;
  {
    auto tpm = Tpm::open(software.tcti());
    REQUIRE(tpm);
    value = TpmCounter::open(*tpm, own)->value;
  }
  for (int i = 0; i < 30; ++i) {
    ++value;
    REQUIRE(advance_to(software, value) == value);
    software.cut_power();
    software.start();
  }
  CHECK(value_of(software) == value);
}

TEST_CASE("A TPM whose state was put back shows the older value: that is what the peer's lease is for", "[tpm]") {
  SoftwareTpm software;
  {
    auto tpm = Tpm::open(software.tcti());
    REQUIRE(tpm);
    REQUIRE(TpmCounter::open(*tpm, own));
  }
  const auto before = value_of(software);
  software.cut_power();
  const std::string copy = software.state_directory() + "-copy";
  std::filesystem::copy(software.state_directory(), copy, std::filesystem::copy_options::recursive);
  software.start();
  CHECK(advance_to(software, before + 2) == before + 2);
  software.cut_power();
  std::filesystem::remove_all(software.state_directory());
  std::filesystem::rename(copy, software.state_directory());
  software.start();
  CHECK(value_of(software) == before);
}

TEST_CASE("An answer that is changed on the bus is noticed: no lower counter can be shown", "[tpm]") {
  const SoftwareTpm software;
  ListeningBus bus{software};
  std::uint64_t value = 0;
  {
    auto tpm = Tpm::open(bus.tcti());
    REQUIRE(tpm);
    REQUIRE(TpmCounter::open(*tpm, own));
    value = TpmCounter::advance(*tpm, own, 5).value();
  }
  int noticed = 0;
  for (int answer = 0; answer < 12; ++answer) {
    INFO("answer " << answer);
    auto tpm = Tpm::open(bus.tcti());
    REQUIRE(tpm);
    bus.change_answer(answer);
    const auto reading = TpmCounter::open(*tpm, own);
    bus.change_answer(-1);
    if (reading)
      CHECK(reading->value == value);
    else
      ++noticed;
  }
  CHECK(noticed >= 3);
}

TEST_CASE("A counter that is not there any more, or too far away, is an error that says so", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto gone = TpmCounter::advance(*tpm, own, 3);
  REQUIRE_FALSE(gone);
  CHECK_THAT(gone.error().message, ContainsSubstring("cleared or replaced"));
  const auto made = TpmCounter::open(*tpm, own);
  REQUIRE(made);
  const auto far = TpmCounter::advance(*tpm, own, made->value + TpmCounter::steps_max + 1);
  REQUIRE_FALSE(far);
  CHECK_THAT(far.error().message, ContainsSubstring("too far"));
  CHECK(TpmCounter::open(*tpm, own)->value == made->value);
}

/// A command of another process, as it goes over the bus (TPM 2.0 part 3): owner's or index' authorisation by empty password.
class Command {
 public:
  explicit Command(std::uint32_t code) { u16(TPM2_ST_SESSIONS).u32(0).u32(code); }
  Command& u16(std::uint16_t value) { return number(value, 2); }
  Command& u32(std::uint32_t value) { return number(value, 4); }
  Command& empty_password() { return u32(9).u32(TPM2_RS_PW).u16(0).number(0, 1).u16(0); }
  [[nodiscard]] std::vector<std::byte> bytes() {
    constexpr std::size_t size_at = 2;
    for (std::size_t i = 0; i < 4; ++i) bytes_[size_at + i] = static_cast<std::byte>(bytes_.size() >> (24 - 8 * i));
    return bytes_;
  }

 private:
  Command& number(std::uint32_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::byte> bytes_;
};

std::vector<std::byte> define_counter(std::uint32_t index) {
  constexpr std::uint32_t attributes = 0x02040014;  // a counter, AUTHREAD, AUTHWRITE, NO_DA
  return Command{TPM2_CC_NV_DefineSpace}
      .u32(TPM2_RH_OWNER)
      .empty_password()
      .u16(0)
      .u16(14)
      .u32(index)
      .u16(TPM2_ALG_SHA256)
      .u32(attributes)
      .u16(0)
      .u16(8)
      .bytes();
}

std::vector<std::byte> step_counter(std::uint32_t index) {
  return Command{TPM2_CC_NV_Increment}.u32(index).u32(index).empty_password().bytes();
}

TEST_CASE("Two processes that make one counter at the same moment have the same one, stepped once", "[tpm]") {
  SoftwareTpm software;
  ListeningBus bus{software};
  bus.before(TPM2_CC_NV_DefineSpace, {define_counter(own), step_counter(own)});
  std::uint64_t value = 0;
  {
    auto tpm = Tpm::open(bus.tcti());
    REQUIRE(tpm);
    const auto reading = TpmCounter::open(*tpm, own);
    INFO((reading ? "" : reading.error().message));
    REQUIRE(reading);
    CHECK_FALSE(reading->made);
    CHECK(bus.inserted());
    value = reading->value;
  }
  CHECK(value_of(software) == value);
}

TEST_CASE("A counter is left to who made it for its first step, and taken over from who never comes to it", "[tpm]") {
  SoftwareTpm software;
  ListeningBus bus{software};
  const bool dies = GENERATE(false, true);
  bus.before(TPM2_CC_NV_DefineSpace, {define_counter(own)});
  auto tpm = Tpm::open(bus.tcti());
  REQUIRE(tpm);
  std::jthread other;
  if (!dies) {
    // While it is waited for: before one of the looks to come.
    other = std::jthread{[&bus] {
      std::this_thread::sleep_for(std::chrono::milliseconds{300});
      bus.before(TPM2_CC_NV_ReadPublic, {step_counter(own)});
    }};
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto reading = TpmCounter::open(*tpm, own);
  const auto waited = std::chrono::steady_clock::now() - begun;
  INFO((reading ? "" : reading.error().message));
  REQUIRE(reading);
  CHECK(bus.inserted());
  CHECK((waited > std::chrono::milliseconds{2500}) == dies);
  // Stepped once: its value is what a counter of a new TPM begins with.
  SoftwareTpm fresh;
  auto quiet = Tpm::open(fresh.tcti());
  REQUIRE(quiet);
  CHECK(TpmCounter::open(*quiet, own)->value == reading->value);
}

}  // namespace
}  // namespace cloister::crypto
