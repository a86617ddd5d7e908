#pragma once
/// What a crash leaves behind: no secret.

namespace cloister::crypto {

/// From now on a signal that would end the process by a core dump (a fault, an abort, systemd's watchdog, which sends
/// SIGABRT) first wipes the arena, then ends it as it would have. Call once, in main, before there are threads.
void wipe_on_crash();

}  // namespace cloister::crypto
