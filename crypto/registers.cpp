#include "crypto/registers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cloister::crypto {
namespace {

// The legacy area of XSAVE (Intel SDM volume 1, 13.4.1), which is FXSAVE's: FPU and XMM registers, and behind them what the
// kernel says of the rest (struct _fpx_sw_bytes).
constexpr std::size_t mxcsr_at = 24;
constexpr std::size_t registers_begin = 32;
constexpr std::size_t kernel_words_at = 464;
constexpr std::size_t legacy_bytes = 512;
constexpr std::size_t header_bytes = 64;
constexpr std::uint32_t mxcsr_default = 0x1F80;
/// FP_XSTATE_MAGIC1: there is more than the legacy area.
constexpr std::uint32_t extended = 0x46505853;

struct KernelWords {
  std::uint32_t magic = 0;
  std::uint32_t whole_bytes = 0;
};

}  // namespace

void wipe_interrupted_registers(ucontext_t& interrupted) noexcept {
  auto& machine = interrupted.uc_mcontext;
  for (const int number : {REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RDI, REG_RSI,
                           REG_RBP, REG_RBX, REG_RDX, REG_RAX, REG_RCX})
    ::explicit_bzero(&machine.gregs[number], sizeof machine.gregs[number]);
  auto* const area = reinterpret_cast<std::byte*>(machine.fpregs);
  if (area == nullptr) return;
  KernelWords words;
  std::memcpy(&words, area + kernel_words_at, sizeof words);
  ::explicit_bzero(area + registers_begin, kernel_words_at - registers_begin);
  if (words.magic == extended && words.whole_bytes > legacy_bytes)
    ::explicit_bzero(area + legacy_bytes, words.whole_bytes - legacy_bytes);
}

/// Each processor that libipsec-mb runs on has XSAVE. A component that the header does not name takes its first state (SDM
/// volume 1, 13.8.1).
void clear_vector_registers() noexcept {
  alignas(64) std::array<std::byte, legacy_bytes + header_bytes> empty{};
  std::memcpy(empty.data() + mxcsr_at, &mxcsr_default, sizeof mxcsr_default);
  constexpr std::uint32_t all_components = 0xFFFFFFFF;
  asm volatile("xrstor64 %[empty]"
               :
               : [empty] "m"(empty), "a"(all_components), "d"(all_components)
               : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                 "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

}  // namespace cloister::crypto
