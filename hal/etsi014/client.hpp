#pragma once
/// A client of a KME, after ETSI GS QKD 014 V1.1.1, over mutual TLS. The two ends of a link ask for the same keys:
///
///   alice   GET  /api/v1/keys/PEER_SAE/status      POST /api/v1/keys/PEER_SAE/enc_keys {number, size}
///   bob                                            POST /api/v1/keys/PEER_SAE/dec_keys {key_IDs}
///
/// Each call opens a connection of its own, reads the files of certificates and key anew (they are renewed by others), and
/// closes it when it has all keys. Coroutines on the executor that they are awaited on; nothing outlives the call, which ends at
/// once with an error where it is cancelled.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/identity.hpp"
#include "hal/finished_key.hpp"

namespace cloister::hal::etsi014 {

/// A whole fetch, however many requests it has: whoever awaits it cancels it (terminal) after that.
inline constexpr std::chrono::seconds fetch_takes_at_most{60};

struct KmeSettings {
  std::string host;     // a name, or a numeric address without brackets; the certificate has it
  std::string address;  // numeric, without brackets: no name is looked up
  std::uint16_t port = 443;
  std::string own_sae;      // for people: the KME knows it by the certificate
  std::string peer_sae;     // the other box's
  std::string ca;           // path, PEM: who has issued the KME's certificate
  std::string certificate;  // path, PEM: this box's, and those up to the root
  std::string key;          // path, PEM; empty: `identity` has it
  std::shared_ptr<const crypto::Identity> identity;
  std::uint32_t key_bits = 256;
};

/// Why there are no keys.
struct Failure {
  std::string message;  // for a person, with a remedy
  bool waits = false;   // nothing is wrong: the KME has not made enough of them yet
};
template <class T>
using Keys = std::expected<T, Failure>;

struct FreshKeys {
  std::vector<FinishedKey> keys;
  std::uint32_t at_once = 0;     // so many at most were asked for in one request
  std::uint32_t left_there = 0;  // of what the KME had
};

/// Whether the files of certificates and key are there and belong together.
[[nodiscard]] Result<> check(const KmeSettings& settings);

/// `count` keys that nobody has had yet.
[[nodiscard]] boost::asio::awaitable<Keys<FreshKeys>> fresh_keys(KmeSettings settings, std::uint32_t count);
/// The keys of these names, in that order, `at_once` in a request, behind each other into `held`. A KME gives a key once: what
/// has come stays in `held` whatever comes after it, and only what is missing there is asked for.
[[nodiscard]] boost::asio::awaitable<Keys<void>> named_keys(KmeSettings settings, std::vector<std::string> ids,
                                                            std::uint32_t at_once,
                                                            std::shared_ptr<std::vector<FinishedKey>> held);

}  // namespace cloister::hal::etsi014
