#pragma once
/// `cloisterctl support-bundle`: what somebody who helps from afar needs to know, in one file, and no secret.
///
/// Each piece comes from a list in support_pieces.cpp; no directory is copied. What this user may not read, or this
/// system has not, is left out, and the manifest says so and why.

#include <string>

namespace cloister::cloisterctl {

struct SupportOptions {
  std::string socket;
  std::string configuration = "/etc/cloister/cloister.yaml";
  std::string output;  // a .tar.gz; empty: one named after the time, in the working directory
  bool json = false;
};
/// The program's exit status.
int support_bundle(const SupportOptions& options);

}  // namespace cloister::cloisterctl
