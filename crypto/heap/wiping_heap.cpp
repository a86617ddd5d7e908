/// What is freed is wiped: libraries copy secrets to the ordinary heap (tpm2-tss an unsealed secret, four times) and give
/// the memory back as it is. In a program that is linked with this, the C library's free and realloc are these.
///
/// Larger pieces are left alone: they are the working sets of distillation, whose secret parts are in the arena.

#include <malloc.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

// Sanitizers replace the same functions, and must know each piece: this is empty there.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

extern "C" {

// glibc's own, under the names by which it offers them to whoever replaces the usual ones.
void __libc_free(void* memory) noexcept;                         // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t bytes) noexcept;  // NOLINT(bugprone-reserved-identifier)

namespace {
constexpr std::size_t wiped_bytes_max = std::size_t{64} * 1024;
}

void free(void* memory) noexcept {
  if (memory == nullptr) return;
  const int error = errno;
  const std::size_t bytes = ::malloc_usable_size(memory);
  if (bytes <= wiped_bytes_max) ::explicit_bzero(memory, bytes);
  __libc_free(memory);
  errno = error;
}

void* realloc(void* memory, std::size_t bytes) noexcept {
  const std::size_t held = memory == nullptr ? 0 : ::malloc_usable_size(memory);
  if (held == 0 || held > wiped_bytes_max || bytes == 0) return __libc_realloc(memory, bytes);
  if (bytes <= held && bytes >= held / 2) return memory;
  void* const moved = ::malloc(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, bytes < held ? bytes : held);
  ::free(memory);
  return moved;
}
}

#endif
