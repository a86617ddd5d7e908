#pragma once
/// `cloisterctl alarm`: what stands now, and that somebody has taken note. Each returns the program's exit status.

#include <string>

namespace cloister::cloisterctl {

struct AlarmOptions {
  std::string code;  // empty: any
  std::string of;    // name of a link or a tunnel; empty: any
  bool all = false;
  bool json = false;
};

/// Its exit status says whether any stands.
int alarm_list(const std::string& socket, const AlarmOptions& options);
int alarm_show(const std::string& socket, const AlarmOptions& options);
int alarm_acknowledge(const std::string& socket, const AlarmOptions& options);

}  // namespace cloister::cloisterctl
