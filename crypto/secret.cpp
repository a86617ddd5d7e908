#include "crypto/secret.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <set>

#include "crypto/error.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t default_bytes = std::size_t{256} << 20U;
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t grain_bytes = 64;

std::size_t round_up(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

struct Mapping {
  std::byte* memory = nullptr;
  ArenaKind kind = ArenaKind::unlocked;
};

/// Reserves `bytes` between two guard pages, with no access yet.
std::byte* reserve(std::size_t bytes) {
  void* area = ::mmap(nullptr, bytes + 2 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(area != MAP_FAILED, "no address space for the secret memory");
  return static_cast<std::byte*>(area) + page_bytes;
}

/// Pages that are not in the kernel's own map (memfd_secret(2)); they count as locked.
bool map_secret(std::byte* where, std::size_t bytes) {
  const auto file = static_cast<int>(::syscall(SYS_memfd_secret, O_CLOEXEC));
  if (file < 0) return false;
  const bool sized = ::ftruncate(file, static_cast<off_t>(bytes)) == 0;
  const bool mapped =
      sized && ::mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
  ::close(file);
  return mapped;
}

bool map_anonymous(std::byte* where, std::size_t bytes) {
  return ::mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/// Of the arena that there is, for a signal's handler: where it is, how much of it was ever used, and where it can be
/// moved.
std::atomic<std::byte*> whole_memory = nullptr;
std::atomic<std::size_t> whole_bytes = 0;
std::atomic<std::size_t> touched_bytes = 0;
std::atomic<std::byte*> refuge = nullptr;

Mapping map_arena(std::size_t bytes) {
  Mapping mapping{reserve(bytes), ArenaKind::memfd_secret};
  if (!map_secret(mapping.memory, bytes)) {
    require(map_anonymous(mapping.memory, bytes), "no memory for the secrets");
    mapping.kind = ::mlock2(mapping.memory, bytes, MLOCK_ONFAULT) == 0 ? ArenaKind::locked : ArenaKind::unlocked;
  }
  ::madvise(mapping.memory, bytes, MADV_DONTDUMP);
  ::madvise(mapping.memory, bytes, MADV_DONTFORK);
  whole_memory = mapping.memory;
  whole_bytes = bytes;
  refuge = reserve(bytes);
  return mapping;
}

/// First fit by size over free runs that are joined again when they meet. Sizes are multiples of the grain.
class Arena {
 public:
  explicit Arena(std::size_t bytes) : bytes_{round_up(bytes, page_bytes)}, mapping_{map_arena(bytes_)} {
    add_free(0, bytes_);
  }

  void* allocate(std::size_t bytes) {
    const std::scoped_lock lock{mutex_};
    const auto found = by_size_.lower_bound({bytes, 0});
    if (found == by_size_.end()) {
      std::fprintf(stderr, "cloister: secret memory is full: %zu bytes wanted, %zu of %zu in use; raise its size\n",
                   bytes, used_, bytes_);
      std::abort();
    }
    const auto [run, offset] = *found;
    remove_free(offset, run);
    if (run > bytes) add_free(offset + bytes, run - bytes);
    used_ += bytes;
    touched_bytes = std::max(touched_bytes.load(), offset + bytes);
    return mapping_.memory + offset;
  }

  void release(void* memory, std::size_t bytes) noexcept {
    const std::scoped_lock lock{mutex_};
    auto offset = static_cast<std::size_t>(static_cast<std::byte*>(memory) - mapping_.memory);
    used_ -= bytes;
    const auto next = by_offset_.find(offset + bytes);
    if (next != by_offset_.end()) {
      const std::size_t joined = next->second;
      remove_free(offset + bytes, joined);
      bytes += joined;
    }
    auto previous = by_offset_.lower_bound(offset);
    if (previous != by_offset_.begin()) {
      --previous;
      const auto [start, run] = *previous;
      if (start + run == offset) {
        remove_free(start, run);
        offset = start;
        bytes += run;
      }
    }
    add_free(offset, bytes);
  }

  [[nodiscard]] ArenaKind kind() const { return mapping_.kind; }
  [[nodiscard]] std::size_t total() const { return bytes_; }
  [[nodiscard]] std::size_t used() {
    const std::scoped_lock lock{mutex_};
    return used_;
  }

 private:
  void add_free(std::size_t offset, std::size_t bytes) {
    by_offset_.emplace(offset, bytes);
    by_size_.emplace(bytes, offset);
  }
  void remove_free(std::size_t offset, std::size_t bytes) {
    by_offset_.erase(offset);
    by_size_.erase({bytes, offset});
  }

  std::size_t bytes_;
  Mapping mapping_;
  std::mutex mutex_;
  std::map<std::size_t, std::size_t> by_offset_;
  std::set<std::pair<std::size_t, std::size_t>> by_size_;
  std::size_t used_ = 0;
};

std::size_t wanted_bytes = default_bytes;
std::atomic<std::size_t> library_bytes = 0;

/// What an allocation really takes: up to an eighth more than asked for. So what comes again and again in nearly the same
/// size (frames of detections) finds the place that the one before it left, and not a fresh one: a page's first touch
/// costs several microseconds, as the kernel takes it out of its own map on all processors.
std::size_t run_of(std::size_t bytes) {
  return round_up(std::max<std::size_t>(bytes, 1), std::max(grain_bytes, std::bit_floor(bytes) / 8));
}

/// Never destroyed: secrets with static lifetime may go after it would.
Arena& arena() {
  static Arena& only = *new Arena{wanted_bytes};
  return only;
}

}  // namespace

ArenaKind arena_initialise(std::size_t bytes) {
  wanted_bytes = bytes;
  return arena().kind();
}

const char* to_string(ArenaKind kind) {
  switch (kind) {
    case ArenaKind::memfd_secret:
      return "memfd_secret";
    case ArenaKind::locked:
      return "locked";
    case ArenaKind::unlocked:
      return "unlocked";
  }
  return "";
}

void* arena_allocate_for_library(std::size_t bytes) {
  void* const memory = arena_allocate(bytes);
  library_bytes += run_of(bytes);
  return memory;
}

void arena_release_for_library(void* memory, std::size_t bytes) noexcept {
  library_bytes -= run_of(bytes);
  arena_release(memory, bytes);
}

void arena_destroy() noexcept {
  std::byte* const place = whole_memory.exchange(nullptr);
  if (place == nullptr) return;
  // Moved first, so that no other thread encrypts by a key that is zero already: where it was, there is nothing now.
  const std::size_t bytes = whole_bytes;
  void* const moved = ::mremap(place, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, refuge.load());
  ::explicit_bzero(moved == MAP_FAILED ? place : moved, touched_bytes);
}

ArenaKind arena_kind() { return arena().kind(); }
std::size_t arena_bytes_used() { return arena().used() - library_bytes; }
std::size_t arena_bytes_total() { return arena().total(); }
std::size_t arena_bytes_touched() { return touched_bytes; }

std::size_t lockable_bytes() {
  constexpr auto all = std::numeric_limits<std::size_t>::max();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> capabilities{};
  const bool known = ::syscall(SYS_capget, &header, capabilities.data()) == 0;
  if (known && (capabilities[0].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0) return all;
  rlimit limit{};
  require(::getrlimit(RLIMIT_MEMLOCK, &limit) == 0, "the limit of locked memory cannot be asked for");
  return limit.rlim_cur == RLIM_INFINITY ? all : limit.rlim_cur;
}

void* arena_allocate(std::size_t bytes, std::size_t alignment) {
  require(alignment <= grain_bytes, "secret memory is aligned to 64 bytes at most");
  return arena().allocate(run_of(bytes));
}

void arena_release(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  const std::size_t run = run_of(bytes);
  ::sodium_memzero(memory, run);
  arena().release(memory, run);
}

void wipe(std::span<std::byte> memory) noexcept {
  if (!memory.empty()) ::sodium_memzero(memory.data(), memory.size());
}

}  // namespace cloister::crypto
