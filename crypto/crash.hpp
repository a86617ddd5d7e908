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

}  // namespace cloister::crypto
