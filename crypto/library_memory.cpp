#include "crypto/library_memory.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {
namespace {

/// Before each piece: how long it is. The rest keeps what follows aligned as malloc's is.
struct alignas(std::max_align_t) Head {
  std::size_t bytes;
};

Head* head_of(void* memory) { return static_cast<Head*>(memory) - 1; }

void* allocate(std::size_t bytes, const char*, int) {
  if (bytes == 0) return nullptr;
  auto* head = new (arena_allocate_for_library(sizeof(Head) + bytes)) Head{bytes};
  return head + 1;
}

void release(void* memory, const char*, int) {
  if (memory == nullptr) return;
  auto* const head = head_of(memory);
  arena_release_for_library(head, sizeof(Head) + head->bytes);
}

void* reallocate(void* memory, std::size_t bytes, const char* file, int line) {
  if (memory == nullptr) return allocate(bytes, file, line);
  void* const grown = allocate(bytes, file, line);
  if (grown != nullptr) std::memcpy(grown, memory, std::min(bytes, head_of(memory)->bytes));
  release(memory, file, line);
  return grown;
}

}  // namespace

void openssl_into_arena() {
  require(CRYPTO_set_mem_functions(allocate, reallocate, release) == 1,
          "OpenSSL's memory is not ours: it was used before its memory was set");
}

}  // namespace cloister::crypto
