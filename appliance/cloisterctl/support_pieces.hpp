#pragma once
/// The pieces of a support bundle, each fetched by itself.

#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

struct SupportPiece {
  std::string name;  // of the file in the bundle
  std::string what;
  Result<std::string> content;  // an error: why it is left out
};

[[nodiscard]] std::vector<SupportPiece> fetch_support_pieces(const std::string& socket,
                                                             const std::string& configuration);

}  // namespace cloister::cloisterctl
