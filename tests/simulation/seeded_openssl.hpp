#pragma once
/// OpenSSL's randomness from a seed, in this thread and while this lives, the newest one first: the TLS handshake and ML-KEM draw their own,
/// and a run would not replay exactly.

#include <cstdint>
#include <random>

namespace cloister::simulation {

class SeededOpenssl {
 public:
  explicit SeededOpenssl(std::uint64_t seed);
  ~SeededOpenssl();
  SeededOpenssl(const SeededOpenssl&) = delete;
  SeededOpenssl& operator=(const SeededOpenssl&) = delete;

 private:
  std::mt19937_64 generator_;
  std::mt19937_64* outer_;
};

/// As that generator has it, which goes on with it; without one nothing changes.
class BorrowedOpenssl {
 public:
  explicit BorrowedOpenssl(std::mt19937_64* generator);
  ~BorrowedOpenssl();
  BorrowedOpenssl(const BorrowedOpenssl&) = delete;
  BorrowedOpenssl& operator=(const BorrowedOpenssl&) = delete;

 private:
  std::mt19937_64* outer_;
};

}  // namespace cloister::simulation
