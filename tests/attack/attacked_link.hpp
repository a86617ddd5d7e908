#pragma once
/// The link that is attacked: the settings of the demonstration, with 1 GHz and standard fibre.

#include "tests/lit_link.hpp"

namespace cloister::test {

inline hal::simulator::SourceSettings source() {
  return {.clock_hz = 1e9, .z_probability = 0.7, .intensities = {0.5, 0.15}, .probabilities = {0.6, 0.4}};
}

inline hal::fibre::LinkParameters glass(double length_km = 50) {
  return {.length_km = length_km,
          .efficiency = 0.15,
          .dark_count_probability = 1e-7,
          .misalignment = 0.01,
          .dimmed_gates = 0.01};
}

/// The same with gated detectors that are a little apart.
inline hal::fibre::LinkParameters gated(double length_km = 50, double apart_seconds = 30e-12) {
  auto link = glass(length_km);
  link.gate = {.width_seconds = 300e-12, .apart_seconds = apart_seconds, .jitter_seconds = 50e-12};
  return link;
}

inline distill::Parameters parameters() {
  distill::Parameters parameters;
  parameters.eps_sec = 1e-10;
  parameters.eps_cor = 1e-15;
  return parameters;
}

inline hal::fibre::Disturbance eve(const hal::fibre::Attack& attack) {
  hal::fibre::Disturbance disturbance;
  disturbance.eve = attack;
  return disturbance;
}

inline bool has_alarm(const LitLink& link, std::string_view word) {
  return std::ranges::any_of(link.alarms, [&](const auto& alarm) { return alarm.contains(word); });
}

/// Whether what an account leaves as secret, what was told and what Eve noted are more than there is: then she knows of the key.
inline bool she_wins(const EndedBlock& block) {
  const auto& account = block.account;
  INFO("sifted " << account.key.detections() << ", known to Eve " << block.known_to_eve << ", told "
                 << account.leakage_bits() << ", secret " << account.length_bits);
  return block.key && account.length_bits + block.known_to_eve + account.leakage_bits() > account.key.detections();
}

/// Eve's knowledge of a block that made a key, in bits of the sifted block: what she noted and what was told in public. The account holds
/// when what it leaves as secret is no more than what is left.
inline void check_account_covers(const EndedBlock& block) {
  const auto& account = block.account;
  INFO("sifted " << account.key.detections() << ", known to Eve " << block.known_to_eve << ", told "
                 << account.leakage_bits() << ", secret " << account.length_bits);
  CHECK(account.length_bits + block.known_to_eve + account.leakage_bits() <= account.key.detections());
}

}  // namespace cloister::test
