#pragma once
/// What of a link outlives the service: a small secret record on disk, and two counters in the TPM.
///
///   LINK.reserve-key   a 256-bit key, sealed by the TPM
///   LINK.reserve       "CLRV" 1 | nonce (12) | AES-256-GCM of the record under that key; bound to the names of link and
///                      boxes
///
/// Each file is replaced whole: written beside, synced, renamed, and its directory synced. The vault opens the TPM for
/// each use and lets it go, so that others can use it meanwhile. Blocking; on a thread of its own.

#include <cstdint>
#include <optional>
#include <string>

#include "appliance/session/sealed_reserve.hpp"
#include "crypto/aead.hpp"
#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::drivers {

struct VaultSettings {
  crypto::TpmSettings tpm;
  std::string path;  // of the record; the key is at path + "-key"
  std::string link;
  std::string local_box;
  std::string peer_box;
};

class Vault {
 public:
  /// Makes key and counters where there are none. What is wrong with the record only is said in `kept().problem`.
  [[nodiscard]] static Result<Vault> open(VaultSettings settings);

  /// Of the sealed key of the record at `path`.
  [[nodiscard]] static std::string key_path(const std::string& path) { return path + "-key"; }
  /// The TPM's index of a link's counter.
  [[nodiscard]] static std::uint32_t counter_index(const std::string& link, const std::string& peer_box,
                                                   session::Counter counter);

  [[nodiscard]] session::KeptReserve take_kept() { return std::move(kept_); }
  [[nodiscard]] Result<std::uint64_t> store(std::span<const std::byte> record);
  [[nodiscard]] Result<std::uint64_t> move(session::Counter counter, std::uint64_t to);

 private:
  explicit Vault(VaultSettings settings);
  [[nodiscard]] Result<> open_key(crypto::Tpm& tpm);
  [[nodiscard]] Result<> open_counters(crypto::Tpm& tpm);
  [[nodiscard]] Result<> open_record();
  [[nodiscard]] std::vector<std::byte> associated() const;
  [[nodiscard]] std::uint32_t index_of(session::Counter counter) const;

  VaultSettings settings_;
  std::optional<crypto::Aes256Gcm> cipher_;
  bool counters_made_ = false;
  bool key_made_ = false;
  session::KeptReserve kept_;
};

}  // namespace cloister::drivers
