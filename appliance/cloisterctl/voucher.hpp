#pragma once
/// `cloisterctl voucher`: this box's word for another's key, and what the words of others come to. The first talks to the TPM
/// itself; the second needs none.

#include <cstddef>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::cloisterctl {

struct VoucherOptions {
  crypto::TpmSettings tpm;
  std::string identity;            // path of this box's key
  std::string as;                  // this box's name
  std::string box;                 // whose key it is about
  std::string fingerprint;         // of that key
  std::string role = "*";          // as what it is vouched for: "alice", "bob"; *: whichever
  std::string link = "*";          // for which link; *: any
  std::string until;               // the last day on which it counts; empty: a year from today
  std::vector<std::string> files;  // vouchers
  std::vector<std::string> by;     // NAME=FINGERPRINT of whose word is taken
  std::size_t at_least = 0;        // so many of them; 0: all
  bool json = false;               // for programs
};

/// Shows a voucher, a text, on standard output.
[[nodiscard]] Result<> voucher_make(const VoucherOptions& options);
/// Shows the fingerprint that enough of those believed vouch for.
[[nodiscard]] Result<> voucher_check(const VoucherOptions& options);

}  // namespace cloister::cloisterctl
