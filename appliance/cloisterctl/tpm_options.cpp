#include "appliance/cloisterctl/tpm_options.hpp"

#include <CLI/CLI.hpp>

#include "appliance/box/tpm_settings.hpp"
#include "config/parse.hpp"

namespace cloister::cloisterctl {

void TpmOptions::offer(CLI::App* command) {
  command->add_option("--tpm", tcti_, "TPM: device:FILE, swtpm:path=SOCKET or swtpm:host=ADDRESS,port=NUMBER")
      ->capture_default_str();
  command->add_option("--config", configuration_,
                      "Configuration whose 'tpm' says which TPM, and what PCRs the secret is bound to (in place of "
                      "--tpm)");
}

Result<crypto::Tpm> TpmOptions::open() const {
  const auto settings = configuration_.empty() ? crypto::TpmSettings{tcti_} : tpm_of(configuration_);
  if (!settings) return std::unexpected{settings.error()};
  return crypto::Tpm::open(*settings);
}

Result<crypto::TpmSettings> tpm_of(const std::string& configuration) {
  const auto loaded = config::load_tpm(configuration);
  if (!loaded) return fail(config::to_string(loaded.error().front()));
  return box::tpm_settings(*loaded);
}

}  // namespace cloister::cloisterctl
