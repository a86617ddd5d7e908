#pragma once
/// The one source of randomness, passed in to whoever needs it.

#include <cstddef>
#include <span>

namespace cloister::crypto {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out` with bits no one can predict. Never fails: without entropy it ends the process.
  virtual void fill(std::span<std::byte> out) = 0;
};

/// From the kernel's generator (getrandom(2)), however long it takes to have enough; false when it gives none.
[[nodiscard]] bool fill_from_kernel(std::span<std::byte> out);

/// ChaCha20 (libsodium's stream), reseeded from getrandom at start, on `reseed`, and after each 16 MiB. Its state is in
/// the arena. Not thread-safe: one per thread.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  ~SystemRandom() override;
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;
  void fill(std::span<std::byte> out) override;
  /// Fresh entropy from the kernel, mixed in; distillation calls it for each block.
  void reseed();

 private:
  struct State;
  State* state_;
};

/// OpenSSL's own generators, which keys of its making come from, take fresh entropy from the kernel: on all threads.
void reseed_openssl();

}  // namespace cloister::crypto
