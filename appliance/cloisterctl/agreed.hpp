#pragma once
/// Asks before what cannot be taken back.

#include <string>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

struct Consent {
  std::string command;  // "link bootstrap"
  std::string about;    // what will happen, whole sentences
  std::string word;     // what a person types who means it
  std::string refused;  // what is said where he does not
};

/// An error: he does not mean it, or there is no terminal to ask on.
[[nodiscard]] Result<> agreed(const Consent& consent);

}  // namespace cloister::cloisterctl
