#pragma once
/// `cloisterctl psk`: makes or takes over a bootstrap PSK and seals it in this box's TPM. It talks to the TPM itself;
/// the service is not asked. A sealed PSK cannot be shown.

#include <string>

#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::cloisterctl {

struct PskOptions {
  crypto::TpmSettings tpm;
  std::string output;   // the sealed blob
  bool halves = false;  // show it in two halves, for two couriers
  bool json = false;    // of an import: say by JSON where it is sealed
  bool force = false;   // show a fresh PSK although standard output is no terminal; replace an existing blob
};

/// Draws a PSK of 256 bits, seals it, and shows it once for the courier to the other box, or its halves for two.
[[nodiscard]] Result<> psk_generate(const PskOptions& options);
/// Reads a PSK, 64 hexadecimal digits or two halves, from standard input (without echo on a terminal) and seals it.
[[nodiscard]] Result<> psk_import(const PskOptions& options);

}  // namespace cloister::cloisterctl
