#include "appliance/box/self_test.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <format>
#include <functional>

#include "appliance/box/tpm_settings.hpp"
#include "appliance/box/zeroize.hpp"
#include "appliance/drivers/vault.hpp"
#include "crypto/random.hpp"
#include "crypto/self_test.hpp"
#include "crypto/tpm.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::box {
namespace {

control::TestResult run(const std::string& name, const std::function<Result<>()>& test) {
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome = test();
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begun;
  return {.name = name,
          .passed = outcome.has_value(),
          .text = outcome ? std::string{} : outcome.error().message,
          .milliseconds = taken.count()};
}

Result<> test_tpm(const crypto::TpmSettings& settings) {
  auto tpm = crypto::Tpm::open(settings);
  if (!tpm) return std::unexpected{tpm.error()};
  if (auto tested = tpm->self_test(); !tested) return tested;
  std::array<std::byte, 32> bytes{};
  crypto::SystemRandom{}.fill(bytes);
  const auto sealed = tpm->seal(bytes);
  if (!sealed) return std::unexpected{sealed.error()};
  const auto opened = tpm->unseal(*sealed);
  if (!opened) return std::unexpected{opened.error()};
  if (!std::ranges::equal(*opened, bytes))
    return fail(std::format("TPM '{}' gives back other bytes than it sealed", settings.tcti));
  return {};
}

/// Whether what the TPM has sealed for this box opens: its identity, PSKs, the keys of sealed reserves. Certificates and
/// lists of an authority, which others may be exchanging just now, are no part of it.
Result<> test_sealed(const config::Configuration& configuration) {
  auto tpm = crypto::Tpm::open(tpm_settings(configuration.tpm));
  if (!tpm) return std::unexpected{tpm.error()};
  const auto opens = [&tpm](const std::string& path, const char* what, const char* remedy) -> Result<> {
    const auto secret = crypto::unseal_file(*tpm, path, what, remedy);
    return secret ? Result<>{} : std::unexpected{secret.error()};
  };
  if (!configuration.box.identity.empty()) {
    if (const auto own = crypto::unseal_identity(*tpm, configuration.box.identity); !own)
      return std::unexpected{own.error()};
  }
  for (const auto& link : configuration.links) {
    Result<> opened;
    if (!link.bootstrap.psk.empty())
      opened = opens(link.bootstrap.psk, "sealed PSK", "make it anew with 'cloisterctl psk'");
    const auto reserve_key = drivers::Vault::key_path(reserve_path(configuration, link));
    std::error_code unseen;
    if (opened && std::filesystem::exists(reserve_key, unseen))
      opened = opens(reserve_key, "key of the sealed reserve", "restart the service: the next bootstrap makes another");
    if (!opened) return fail(std::format("link '{}': {}", link.name, opened.error().message));
  }
  return {};
}

}  // namespace

std::vector<control::TestResult> test_primitives() {
  std::vector<control::TestResult> results;
  for (const auto& test : crypto::self_tests()) results.push_back(run(test.name, test.run));
  return results;
}

std::vector<control::TestResult> test_all(const config::Configuration& configuration) {
  auto results = test_primitives();
  results.push_back(run("tpm", [&] { return test_tpm(tpm_settings(configuration.tpm)); }));
  results.push_back(run("sealed-state", [&] { return test_sealed(configuration); }));
  return results;
}

std::string failed_tests(const std::vector<control::TestResult>& results) {
  std::string text;
  for (const auto& result : results) {
    if (!result.passed) text += std::format("{}'{}': {}", text.empty() ? "" : "; ", result.name, result.text);
  }
  return text;
}

std::string self_test_alarm(const std::string& failures) {
  return "the box closes, for a self-test failed: " + failures;
}

}  // namespace cloister::box
