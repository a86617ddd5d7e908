#pragma once
/// What another program says: run without a shell, bounded in time and size.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

inline constexpr std::size_t output_bytes_max = std::size_t{8} << 20U;

struct ProgramOutput {
  std::string said;  // standard output and standard error, together
  int status = 0;    // exit status; -1: a signal has ended it
};

/// What is looked at while a program runs: `ready` is called when `file` has something to read.
struct Beside {
  int file;
  std::function<void()> ready;
};

/// An error: there is no such program, it took too long, or it said more than `output_bytes_max`.
[[nodiscard]] Result<ProgramOutput> output_of(const std::vector<std::string>& words, std::chrono::milliseconds longest,
                                              const Beside* beside = nullptr);

}  // namespace cloister::cloisterctl
