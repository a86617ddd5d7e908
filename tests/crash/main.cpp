// A program that holds secrets in each place and crashes: crashing SEED PLACE SIGNAL [bare]. With `bare` what protects the place is left
// out, so that a test sees that it would find them.
#include <linux/capability.h>
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "crypto/crash.hpp"
#include "crypto/library_memory.hpp"
#include "crypto/secret.hpp"
#include "tests/crash/pattern.hpp"

extern "C" void __libc_free(void* memory) noexcept;

namespace {
using namespace cloister;

void give_up_rights() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  ::syscall(SYS_capset, &header, none.data());
}

/// Ordinary pages, that a core has: what memfd_secret keeps out of it by itself would show nothing of the handler.
void worst_arena() {
  give_up_rights();
  const rlimit nothing{0, 0};
  ::setrlimit(RLIMIT_MEMLOCK, &nothing);
  crypto::arena_initialise(std::size_t{1} << 20U);
}

void into_core(const void* memory) {
  const auto page = reinterpret_cast<std::uintptr_t>(memory) & ~std::uintptr_t{4095};
  ::madvise(reinterpret_cast<void*>(page), 8192, MADV_DODUMP);
}

EVP_MAC_CTX* keyed(const std::byte* secret) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  std::array<char, 7> digest{"SHA256"};
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                              OSSL_PARAM_construct_end()};
  EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(secret), test::pattern_bytes, parameters.data());
  return context;
}

/// One system call from which this thread comes back no more, or not before it dies, with the secret in a vector register.
long call_with_register(long number, long one, long two, long three, const std::byte* secret) {
  long result = number;
  asm volatile(
      "movups (%[secret]), %%xmm9\n\t"
      "syscall"
      : "+a"(result)
      : "D"(one), "S"(two), "d"(three), [secret] "r"(secret)
      : "rcx", "r11", "xmm9", "memory");
  return result;
}

/// One system call, then no end: with the secret in those general registers that neither the kernel nor a call clears.
[[noreturn]] void compute_with_registers(long number, long one, long two, long three, const std::byte* secret) {
  asm volatile(
      "movq (%%rcx), %%rbx\n\t"
      "movq 8(%%rcx), %%rbp\n\t"
      "movq 16(%%rcx), %%r12\n\t"
      "movq 24(%%rcx), %%r13\n\t"
      "movq 32(%%rcx), %%r14\n\t"
      "movq 40(%%rcx), %%r15\n\t"
      "syscall\n"
      "1: pause\n\t"
      "jmp 1b"
      :
      : "a"(number), "D"(one), "S"(two), "d"(three), "c"(secret)
      : "memory");
  __builtin_unreachable();
}

/// As below, with all general registers that a function must keep; the other thread computes.
[[noreturn]] void die_computing(bool other, int signal, const std::byte* secret) {
  if (!other) compute_with_registers(SYS_tgkill, ::getpid(), ::gettid(), signal, secret);
  std::thread{[secret] { compute_with_registers(SYS_getpid, 0, 0, 0, secret); }}.detach();
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  ::raise(signal);
  std::abort();
}

/// Dies as it holds the secret in a register, or as another thread does that waits.
void die_with_registers(bool other, int signal, const std::byte* secret) {
  if (other) {
    std::thread{[secret] { call_with_register(SYS_pause, 0, 0, 0, secret); }}.detach();
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    ::raise(signal);
  }
  call_with_register(SYS_tgkill, ::getpid(), ::gettid(), signal, secret);
}
/// Until no stack is left.
[[gnu::noinline]] int use_up_stack(int depth) {
  constexpr int deeper_than_any_stack = 1 << 20;
  if (depth == deeper_than_any_stack) return 0;
  std::array<volatile char, 4096> frame{};
  frame[0] = static_cast<char>(depth);
  const int deeper = use_up_stack(depth + 1);
  return deeper + frame[0];
}

void die_of_overflow(bool other, bool guarded) {
  if (!other) use_up_stack(0);
  std::thread{[guarded] {
    if (guarded) crypto::wipe_on_overflow();
    use_up_stack(0);
  }}.join();
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto seed = std::strtoull(argv[1], nullptr, 10);
  const std::string place = argv[2];
  const int signal = std::atoi(argv[3]);
  const bool bare = argc > 4;
  const rlimit core{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_CORE, &core);
  worst_arena();
  if (!bare || place != "library") crypto::openssl_into_arena();
  const bool of_handler = place != "library" && place != "freed";
  if (!bare || !of_handler || place == "thread overflow") crypto::wipe_on_crash();
  crypto::Secret<struct CrashRole, test::pattern_bytes> secret;
  if (place == "arena" || place.ends_with("overflow")) into_core(secret.expose().data());
  test::fill_pattern(seed, secret.fill().data());
  if (place == "library" && keyed(secret.expose().data()) == nullptr) return 3;
  if (place == "freed") {
    auto* memory = static_cast<std::byte*>(std::malloc(1000));
    test::fill_pattern(seed, memory + 500);
    if (bare)
      __libc_free(memory);
    else
      std::free(memory);
  }
  if (place == "registers" || place == "thread") die_with_registers(place == "thread", signal, secret.expose().data());
  if (place == "general" || place == "computing") die_computing(place == "computing", signal, secret.expose().data());
  if (place.ends_with("overflow")) die_of_overflow(place.starts_with("thread"), !bare);
  ::raise(signal);
  return 4;
}
