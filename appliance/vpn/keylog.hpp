#pragma once
/// For interoperability tests only: SA keys as Wireshark's table of ESP SAs, in builds with CLOISTER_TEST_KEYLOG. Other
/// builds have no such code; a test looks.

#include "crypto/test_build.hpp"

#ifdef CLOISTER_TEST_KEYLOG

#include "appliance/vpn/esp.hpp"

namespace cloister::vpn {

/// Appends a line to the file named by the environment's CLOISTER_KEYLOG.
void log_sa_key(Spi spi, const SaKey& key);

}  // namespace cloister::vpn

#endif
