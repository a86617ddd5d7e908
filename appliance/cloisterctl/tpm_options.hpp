#pragma once
/// Which TPM a command talks to that does so itself: --tpm, or what a configuration says, --config.

#include <string>

#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace CLI {
class App;
}

namespace cloister::cloisterctl {

class TpmOptions {
 public:
  void offer(CLI::App* command);
  [[nodiscard]] Result<crypto::Tpm> open() const;

 private:
  std::string tcti_ = "device:/dev/tpmrm0";
  std::string configuration_;  // path; empty: --tpm counts
};

/// The 'tpm' of a configuration.
[[nodiscard]] Result<crypto::TpmSettings> tpm_of(const std::string& configuration);

}  // namespace cloister::cloisterctl
