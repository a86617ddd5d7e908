#pragma once
/// What the programs that measure share: clocks, the form of a figure, which parts are wanted, the service's allocator.

#include <malloc.h>

#include <algorithm>
#include <ctime>
#include <format>
#include <iostream>
#include <string>
#include <vector>

namespace cloister::bench {

inline double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
/// What this thread has used of its core: other work on the machine does not count.
inline double core_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }
inline double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

inline void print(const std::string& name, double value, const std::string& unit) {
  std::cout << std::format("{{\"name\": \"{}\", \"value\": {:.6g}, \"unit\": \"{}\"}}\n", name, value, unit)
            << std::flush;
}

/// The parts that the command line names; all where it names none.
class Parts {
 public:
  Parts(int count, char** words) : wanted_{words + 1, words + count} {}
  [[nodiscard]] bool operator()(const std::string& name) const {
    return wanted_.empty() || std::ranges::find(wanted_, name) != wanted_.end();
  }

 private:
  std::vector<std::string> wanted_;
};

/// As cloisterd has it.
inline void use_the_services_allocator() {
  ::mallopt(M_MMAP_THRESHOLD, 256 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

}  // namespace cloister::bench
