#pragma once
/// What a thread has in its registers, for handlers of signals: async-signal-safe.

#include <ucontext.h>

namespace cloister::crypto {

/// Overwrites what the interrupted code had in its registers, in the frame that the kernel has put on the stack, but where
/// it stood (instruction and stack pointers; OpenSSL's assembly computes in RBP). It can never go on.
void wipe_interrupted_registers(ucontext_t& interrupted) noexcept;

/// Puts this thread's own vector registers, and those of the FPU, into their first state.
void clear_vector_registers() noexcept;

}  // namespace cloister::crypto
