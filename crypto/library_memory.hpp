#pragma once
/// OpenSSL's memory in the arena: keys of handshakes, ML-KEM and ML-DSA secrets, HMAC and generator states are copied into
/// its contexts, and those would be on the ordinary heap.

namespace cloister::crypto {

/// Call once, after arena_initialise, before OpenSSL is used at all.
void openssl_into_arena();

}  // namespace cloister::crypto
