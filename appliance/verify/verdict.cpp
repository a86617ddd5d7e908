#include "appliance/verify/verdict.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <utility>

#include "crypto/boot_log.hpp"

namespace cloister::verify {
namespace {

using Findings = std::vector<Finding>;

constexpr unsigned image_pcr = 11;
/// What systemd-stub(7) measures of what is given to a kernel image beside its own: command lines and credentials, extensions.
constexpr std::array beside_pcrs{12U, 13U};

std::optional<crypto::PcrDigest> value_of(const crypto::PcrValues& pcrs, unsigned pcr) {
  const auto found = pcrs.find(pcr);
  return found != pcrs.end() ? std::optional{found->second} : std::nullopt;
}

void judge_image(const crypto::Attested& attested, const Measurements& image, Findings& findings) {
  const auto value = value_of(attested.pcrs, image_pcr);
  const auto phase = std::ranges::find(image.phases, value, &Measurements::Phase::pcr_11);
  if (phase == image.phases.end()) {
    findings.push_back(
        {false, std::format("PCR 11 is not that of the image {}: another kernel image runs", image.version)});
    return;
  }
  findings.push_back(
      {true, std::format("the image {} runs, with the root {} ({})", image.version, image.root_hash, phase->name)});
  for (const unsigned pcr : beside_pcrs) {
    const bool untouched = value_of(attested.pcrs, pcr) == crypto::PcrDigest{};
    findings.push_back({untouched, std::format("PCR {}: {}", pcr,
                                               untouched ? "nothing was given to the kernel image beside its own"
                                                         : "something was given to the kernel image beside its own")});
  }
}

/// PCR 11 alone says nothing: whoever starts a loader of his own could measure anything into it.
void judge_secure_boot(const crypto::Quote& quote, const Expected& expected, Findings& findings) {
  if (quote.boot_log.empty()) {
    findings.push_back({false, "the firmware's log is missing: nothing tells whether Secure Boot was on"});
    return;
  }
  const auto found = crypto::read_secure_boot(quote.boot_log);
  if (!found) {
    findings.push_back({false, found.error().message});
    return;
  }
  if (value_of(quote.pcrs, crypto::secure_boot_pcr) != found->pcr) {
    findings.push_back({false, "the firmware's log is not what was measured: PCR 7 is another"});
    return;
  }
  const bool on = found->on.value_or(false);
  findings.push_back({on, on ? "Secure Boot was on" : "Secure Boot was off"});
  const bool only_ours = !found->authorities.empty() && std::ranges::all_of(found->authorities, [&](const auto& one) {
    return one == expected.measurements.certificate;
  });
  findings.push_back(
      {only_ours, only_ours ? "what was started is signed with the image's certificate, all of it"
                            : "something was started that is signed with another certificate than the image's"});
}

}  // namespace

Findings judge(const crypto::Quote& quote, const Expected& expected) {
  const auto attested = crypto::check_quote(quote, expected.challenge.value_or(std::vector<std::byte>{}));
  if (!attested) return {{false, attested.error().message}};
  Findings findings;
  const bool known = attested->key == expected.key;
  findings.push_back({known, std::format("{} the attestation key {}",
                                         known ? "signed by" : "this is another box's TPM:", attested->key)});
  if (!known) return findings;
  findings.push_back(
      {true, expected.challenge ? "it answers the challenge" : "it may be of any time: there was no challenge"});
  judge_image(*attested, expected.measurements, findings);
  judge_secure_boot(quote, expected, findings);
  for (const auto& [pcr, value] : expected.pcrs) {
    const bool same = value_of(attested->pcrs, pcr) == value;
    findings.push_back({same, std::format("PCR {} is {} was expected", pcr, same ? "as" : "not what")});
  }
  return findings;
}

bool all_hold(const Findings& findings) { return !findings.empty() && std::ranges::all_of(findings, &Finding::holds); }

}  // namespace cloister::verify
