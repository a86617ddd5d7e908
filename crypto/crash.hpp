#pragma once
/// What a crash leaves behind: no secret.

namespace cloister::crypto {

/// No core dump, no debugger, for a process that will hold secrets: it is not dumpable, which the kernel heeds before any
/// limit and for any kernel.core_pattern. A build for tests may be told otherwise.
void forbid_cores();

/// From now on a signal that would end the process by a core dump (a fault, an abort, systemd's watchdog, which sends
/// SIGABRT) first wipes the arena and the registers of all threads, then ends it as it would have. Call
/// once, in main, before there are threads.
void wipe_on_crash();

/// In each other thread that works with secrets, before it does: it too has a stack for that signal then, so that who
/// uses up its own stack wipes as well. The main thread has one from `wipe_on_crash`.
void wipe_on_overflow();

}  // namespace cloister::crypto
