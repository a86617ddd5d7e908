#pragma once
/// Values of PCRs for people.

#include <string>
#include <vector>

#include "appliance/cloisterctl/table.hpp"
#include "crypto/pcr_policy.hpp"

namespace cloister::cloisterctl {

inline std::string pcr_table(const crypto::PcrValues& values) {
  std::vector<Row> rows{{"PCR", "VALUE (SHA-256)"}};
  for (const auto& [pcr, value] : values) rows.push_back({std::to_string(pcr), crypto::pcr_digest_hex(value)});
  return table(rows);
}

}  // namespace cloister::cloisterctl
