#pragma once
/// Secret memory: values that are used once, kept in the locked arena, wiped when they go.
///
///   arena (memfd_secret, or locked and undumpable pages)  ◀── ArenaAllocator ◀── SecretVector<T>   variable length
///                                                         ◀── Secret<Role, N>                      a key; the role is
///                                                         the type
///
/// A secret type is move-only, has no `==`, no `<<` and no copy; `expose()` is the only door, so that a search for
/// `expose` finds every reader. Nothing here logs.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace cloister::crypto {

/// Where secret memory comes from, as `status` says it.
enum class ArenaKind { memfd_secret, locked, unlocked };
[[nodiscard]] const char* to_string(ArenaKind kind);

/// Reserves the arena; call once, first in main. Without the call the first allocation reserves the default (256 MiB).
/// `bytes` is rounded up to pages. Returns what the kernel granted, the best kind first.
ArenaKind arena_initialise(std::size_t bytes);
ArenaKind arena_kind();
/// By this program's secrets; what libraries hold there is not counted.
std::size_t arena_bytes_used();
std::size_t arena_bytes_total();
/// As far as the arena was ever in use, libraries and gaps between pieces included.
std::size_t arena_bytes_touched();
/// How much this process may lock; the largest number where there is no limit.
std::size_t lockable_bytes();

/// Memory in the arena, zeroed; ends the process with a clear message when the arena is full. Thread-safe.
[[nodiscard]] void* arena_allocate(std::size_t bytes, std::size_t alignment = 64);
/// Wipes and returns memory. `bytes` as allocated.
void arena_release(void* memory, std::size_t bytes) noexcept;

/// The same for what a library holds: not counted as used.
[[nodiscard]] void* arena_allocate_for_library(std::size_t bytes);
void arena_release_for_library(void* memory, std::size_t bytes) noexcept;

/// Wipes the whole arena at once; no secret can be used afterwards, whoever tries faults. For a process that is about to
/// die: async-signal-safe.
void arena_destroy() noexcept;

/// Overwrites memory so that the compiler cannot leave it out.
void wipe(std::span<std::byte> memory) noexcept;

template <class T>
struct ArenaAllocator {
  using value_type = T;
  ArenaAllocator() = default;
  template <class U>
  explicit ArenaAllocator(const ArenaAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(arena_allocate(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { arena_release(memory, count * sizeof(T)); }
  template <class U>
  bool operator==(const ArenaAllocator<U>&) const {
    return true;
  }
};

/// A run of secret values (raw detections, sifted bits as words, working sets of distillation). Moved, never copied by
/// us.
template <class T>
using SecretVector = std::vector<T, ArenaAllocator<T>>;

/// A key of fixed length; `Role` is a tag type, so that keys of two roles cannot be confused.
template <class Role, std::size_t Bytes>
class Secret {
 public:
  static constexpr std::size_t size = Bytes;

  Secret() : memory_{static_cast<std::byte*>(arena_allocate(Bytes))} {}
  Secret(Secret&& other) noexcept : memory_{std::exchange(other.memory_, nullptr)} {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  bool operator==(const Secret&) const = delete;
  ~Secret() {
    if (memory_ != nullptr) arena_release(memory_, Bytes);
  }

  [[nodiscard]] std::span<const std::byte, Bytes> expose() const {
    return std::span<const std::byte, Bytes>{memory_, Bytes};
  }
  /// For filling only.
  [[nodiscard]] std::span<std::byte, Bytes> fill() { return std::span<std::byte, Bytes>{memory_, Bytes}; }

 private:
  std::byte* memory_;
};

}  // namespace cloister::crypto
