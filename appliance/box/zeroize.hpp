#pragma once
/// What `cloisterctl zeroize` destroys once the memory is wiped: what the TPM has sealed, the files that hold it, and
/// the links' counters. By the service, or by cloisterctl itself where none runs.

#include <string>
#include <vector>

#include "config/model.hpp"

namespace cloister::box {

/// The file of a link's sealed reserve; its key is beside it (drivers/vault.hpp).
[[nodiscard]] std::string reserve_path(const config::Configuration& configuration, const config::Link& link);

/// First the TPM's generation, so that no copy of a file opens any more, then the files, then the TPM's counters. A step
/// that fails keeps none of the others from being done; what failed, for people. Public keys, certificates and logs stay.
[[nodiscard]] std::vector<std::string> destroy_sealed(const config::Configuration& configuration);

/// The text of the event FACTORY_RESET.
[[nodiscard]] std::string factory_reset_text(unsigned user);
/// The text of the event ZEROIZED.
[[nodiscard]] std::string zeroized_text(unsigned user, bool by_service);
/// The failures as one text; empty when there is none.
[[nodiscard]] std::string incomplete_text(const std::vector<std::string>& failures);

}  // namespace cloister::box
