#pragma once
/// The configuration's TPM, as whoever opens it takes it.

#include "config/model.hpp"
#include "crypto/tpm.hpp"

namespace cloister::box {

[[nodiscard]] inline crypto::TpmSettings tpm_settings(const config::Tpm& tpm) {
  return {tpm.tcti,
          {.pcrs = tpm.pcrs,
           .policy_key = tpm.policy_key,
           .signatures = tpm.policy_signatures,
           .generations = tpm.generations,
           .unchanged = tpm.unchanged_pcrs}};
}

}  // namespace cloister::box
