#include "appliance/distill/account.hpp"

#include <cmath>

#include "appliance/distill/binary_entropy.hpp"

namespace cloister::distill {

Observation Account::observation() const {
  return {.bound = parameters.bound,
          .key = key,
          .test = test,
          .intensities = parameters.intensities,
          .probabilities = parameters.probabilities,
          .eps_sec = parameters.eps_sec,
          .eps_cor = parameters.eps_cor,
          .leakage_bits = static_cast<double>(leakage_bits())};
}

std::optional<double> Account::efficiency() const {
  const double shannon = static_cast<double>(key.detections()) * binary_entropy(key_qber());
  if (!key_errors_known || shannon <= 0) return std::nullopt;
  return static_cast<double>(parity_bits) / shannon;
}

Account with_secret_length(Account account) {
  account.error_pattern_bits = 0;
  static_cast<Bounds&>(account) = {};
  if (!check(account.observation())) return account;
  // What the corrector asks shows which bits differed. Of single photons that tells an eavesdropper nothing that she
  // has not; of empty pulses it may tell the bit, so what they give is given up (docs/security.md).
  account.error_pattern_bits = static_cast<std::uint64_t>(std::ceil(secret_length(account.observation()).s_key_0));
  static_cast<Bounds&>(account) = secret_length(account.observation());
  return account;
}

}  // namespace cloister::distill
