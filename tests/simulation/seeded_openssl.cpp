#include "tests/simulation/seeded_openssl.hpp"

#include <openssl/rand.h>

#include <span>
#include <utility>

#include "crypto/error.hpp"
#include "crypto/random.hpp"

// A method of its own is how OpenSSL 3 still takes randomness from elsewhere without a provider.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace cloister::simulation {
namespace {

thread_local std::mt19937_64* seeded = nullptr;

int fill(unsigned char* out, int count) {
  const std::span bytes{out, static_cast<std::size_t>(count)};
  if (seeded == nullptr) return crypto::fill_from_kernel(std::as_writable_bytes(bytes)) ? 1 : 0;
  for (auto& byte : bytes) byte = static_cast<unsigned char>((*seeded)() >> 56U);
  return 1;
}

int ready() { return 1; }

constexpr RAND_METHOD method{
    .seed = nullptr, .bytes = fill, .cleanup = nullptr, .add = nullptr, .pseudorand = fill, .status = ready};

}  // namespace

SeededOpenssl::SeededOpenssl(std::uint64_t seed) : generator_{seed}, outer_{std::exchange(seeded, &generator_)} {
  static const bool set = RAND_set_rand_method(&method) == 1;
  require(set, "OpenSSL takes no randomness from a seed");
}

SeededOpenssl::~SeededOpenssl() { seeded = outer_; }

BorrowedOpenssl::BorrowedOpenssl(std::mt19937_64* generator)
    : outer_{std::exchange(seeded, generator != nullptr ? generator : seeded)} {}

BorrowedOpenssl::~BorrowedOpenssl() { seeded = outer_; }

}  // namespace cloister::simulation
