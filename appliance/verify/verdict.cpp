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

void judge_image(const crypto::PcrValues& pcrs, const Measurements& image, Findings& findings) {
  const auto phase = std::ranges::find(image.phases, value_of(pcrs, image_pcr), &Measurements::Phase::pcr_11);
  if (phase == image.phases.end()) {
    findings.push_back(
        {false, std::format("PCR 11 is not that of the image {}: another kernel image runs", image.version)});
    return;
  }
  // A box attests when it has come up; in an earlier phase it was stopped by somebody.
  const bool up = phase + 1 == image.phases.end();
  findings.push_back({up, std::format("the image {} {} (root {}; {})", image.version,
                                      up ? "runs" : "was stopped while it started", image.root_hash, phase->name)});
  for (const unsigned pcr : beside_pcrs) {
    const bool untouched = value_of(pcrs, pcr) == crypto::PcrDigest{};
    findings.push_back({untouched, std::format("PCR {}: {} was given to the kernel image beside its own", pcr,
                                               untouched ? "nothing" : "something")});
  }
}

/// PCR 11 alone says nothing: whoever starts a loader of his own could measure anything into it.
void judge_start(const crypto::Quote& quote, const Expected& expected, Findings& findings) {
  if (quote.boot_log.empty()) {
    findings.push_back({false, "the firmware's log is missing: nothing tells what was started before the image"});
    return;
  }
  const auto log = crypto::read_boot_log(quote.boot_log);
  if (!log) {
    findings.push_back({false, log.error().message});
    return;
  }
  if (!std::ranges::all_of(log->pcrs, [&](const auto& pcr) { return value_of(quote.pcrs, pcr.first) == pcr.second; })) {
    findings.push_back({false, "the firmware's log is not what was measured: PCR 4 or 7 is another"});
    return;
  }
  const bool on = log->secure_boot.value_or(false);
  findings.push_back({on, std::format("Secure Boot was {}", on ? "on" : "off")});
  const auto every_one = [](const auto& found, auto is_ours) {
    return !found.empty() && std::ranges::all_of(found, is_ours);
  };
  const auto& image = expected.measurements;
  const bool only_ours = every_one(log->authorities, [&](const auto& one) { return one == image.certificate; });
  findings.push_back({only_ours, only_ours
                                     ? "nobody but the image's certificate vouched for what was started"
                                     : "another certificate than the image's vouched for something, or none did"});
  const bool only_known = every_one(log->programs, [&](const auto& one) {
    return std::ranges::contains(image.programs, one) || std::ranges::contains(expected.boot_loaders, one);
  });
  findings.push_back(
      {only_known, only_known ? "the firmware started the boot loader and the kernel image, and nothing else"
                              : "the firmware started something else than the boot loader and the kernel image"});
}

}  // namespace

Findings judge(const crypto::Quote& quote, const Expected& expected) {
  const auto key = crypto::quoting_key_fingerprint(quote.key);
  if (key != expected.key)
    return {{false, std::format("the attestation key is {}: this is another box's TPM", crypto::pcr_digest_hex(key))}};
  const auto checked = crypto::check_quote(quote, expected.challenge.value_or(std::vector<std::byte>{}));
  if (!checked) return {{false, checked.error().message}};
  Findings findings{{true, std::format("signed by the attestation key {}", crypto::pcr_digest_hex(key))}};
  findings.push_back(
      {true, expected.challenge ? "it answers the challenge" : "it is of any time: there was no challenge"});
  judge_image(quote.pcrs, expected.measurements, findings);
  judge_start(quote, expected, findings);
  for (const auto& [pcr, value] : expected.pcrs) {
    const bool same = value_of(quote.pcrs, pcr) == value;
    findings.push_back({same, std::format("PCR {} is {} was expected", pcr, same ? "as" : "not what")});
  }
  return findings;
}

bool all_hold(const Findings& findings) { return !findings.empty() && std::ranges::all_of(findings, &Finding::holds); }

}  // namespace cloister::verify
