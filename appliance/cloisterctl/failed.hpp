#pragma once
/// How a command of cloisterctl says how it ended. Each gives the program's exit status.

#include <iostream>
#include <string>

#include "appliance/cloisterctl/exit_status.hpp"
#include "appliance/control/client.hpp"
#include "crypto/error.hpp"

namespace cloister::cloisterctl {

inline int failed(const std::string& message) {
  std::cerr << "cloisterctl: " << message << '\n';
  return number(ExitStatus::failed);
}

/// Of a command that works by itself: its reason is the error.
inline int ended(const Result<>& outcome) {
  return outcome ? number(ExitStatus::done) : failed(outcome.error().message);
}

/// Of a request to the service.
inline int failed(const control::Failure& failure) {
  std::cerr << "cloisterctl: " << failure.message << '\n';
  switch (failure.kind) {
    case control::Failure::Kind::failed:
      return number(ExitStatus::failed);
    case control::Failure::Kind::service_absent:
      return number(ExitStatus::service_absent);
    case control::Failure::Kind::right_lacking:
      return number(ExitStatus::right_lacking);
  }
  return number(ExitStatus::failed);
}

}  // namespace cloister::cloisterctl
