#pragma once
/// The parent of a library's process: it is given what the library gets, starts it, says how it ended, and ends it when
/// whoever asked is gone. It runs none of the library's code.
///
///   service ── one message: ring, library, perhaps the node (SCM_RIGHTS) ─▶ keeper ── starts ─▶ library
///           ◀── "was ended by signal 11 (Segmentation fault)" ──────────── keeper ◀── ends ──── library
///           ── closes ───────────────────────────────────────────────────▶ keeper ── kills ──▶ library

namespace cloister::hal::plugin {

/// `connection`: a connected local socket of sequential packets. Gives the program's exit status.
[[nodiscard]] int keep_library(int connection);

}  // namespace cloister::hal::plugin
