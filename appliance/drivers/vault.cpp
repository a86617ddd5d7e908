#include "appliance/drivers/vault.hpp"

#include <algorithm>
#include <array>
#include <format>

#include "appliance/drivers/whole_file.hpp"
#include "appliance/wire/writer.hpp"
#include "crypto/random.hpp"
#include "crypto/tpm_counter.hpp"

namespace cloister::drivers {
namespace {

constexpr std::array magic{std::byte{'C'}, std::byte{'L'}, std::byte{'R'}, std::byte{'V'}, std::byte{1}};

}  // namespace

Vault::Vault(VaultSettings settings) : settings_{std::move(settings)} {}

Result<Vault> Vault::open(VaultSettings settings) {
  Vault vault{std::move(settings)};
  auto tpm = crypto::Tpm::open(vault.settings_.tpm);
  if (!tpm) return std::unexpected{tpm.error()};
  if (auto opened = vault.open_key(*tpm); !opened) return std::unexpected{opened.error()};
  if (auto opened = vault.open_counters(*tpm); !opened) return std::unexpected{opened.error()};
  if (auto opened = vault.open_record(); !opened) return std::unexpected{opened.error()};
  return vault;
}

Result<> Vault::open_key(crypto::Tpm& tpm) {
  const std::string path = key_path(settings_.path);
  auto blob = read_file(path);
  if (!blob) return std::unexpected{blob.error()};
  crypto::AeadKey key;
  if (*blob) {
    const auto secret = tpm.unseal(**blob);
    // A TPM that cannot now may tomorrow: the key that it has sealed stays.
    if (!secret && !secret.error().for_good)
      return fail(std::format("key of the sealed reserve '{}': {}", path, secret.error().message));
    if (secret && secret->size() == crypto::AeadKey::size) {
      std::ranges::copy(*secret, key.fill().begin());
      cipher_.emplace(std::move(key));
      return {};
    }
    kept_.problem = std::format("the sealed reserve's key '{}' does not open: {}", path,
                                secret ? "it has another length" : secret.error().message);
  }
  key_made_ = true;
  crypto::SystemRandom{}.fill(key.fill());
  const auto sealed = tpm.seal(key.expose());
  if (!sealed) return std::unexpected{sealed.error()};
  cipher_.emplace(std::move(key));
  return replace_file(path, *sealed);
}

Result<> Vault::open_counters(crypto::Tpm& tpm) {
  for (const auto counter : {session::Counter::own, session::Counter::granted}) {
    const auto reading = crypto::TpmCounter::open(tpm, index_of(counter));
    if (!reading) return std::unexpected{reading.error()};
    (counter == session::Counter::own ? kept_.own : kept_.granted) = reading->value;
    counters_made_ = counters_made_ || reading->made;
  }
  return {};
}

Result<> Vault::open_record() {
  const auto file = read_file(settings_.path);
  if (!file) return std::unexpected{file.error()};
  if (!*file) {
    if (!counters_made_ && kept_.problem.empty())
      kept_.problem =
          std::format("the TPM knows a sealed reserve of this link, but its record '{}' is gone", settings_.path);
    return {};
  }
  if (!kept_.problem.empty()) return {};
  if (counters_made_ || key_made_) {
    kept_.problem =
        "the disk has a sealed reserve that this box's TPM knows nothing of: was the TPM cleared or replaced";
    return {};
  }
  const std::span<const std::byte> bytes{**file};
  constexpr std::size_t head = magic.size() + crypto::AeadNonce{}.size();
  if (bytes.size() >= head + crypto::aead_tag_bytes && std::ranges::equal(bytes.first(magic.size()), magic)) {
    crypto::AeadNonce nonce{};
    std::ranges::copy(bytes.subspan(magic.size(), nonce.size()), nonce.begin());
    const auto sealed = bytes.subspan(head);
    crypto::SecretVector<std::byte> record(sealed.size() - crypto::aead_tag_bytes);
    if (cipher_->open(nonce, associated(), sealed, record)) {
      kept_.record = std::move(record);
      return {};
    }
  }
  kept_.problem = std::format("the sealed reserve '{}' is damaged or of another link", settings_.path);
  return {};
}

std::vector<std::byte> Vault::associated() const {
  wire::Writer out;
  out.bytes(magic).text(settings_.link).text(settings_.local_box).text(settings_.peer_box);
  return std::move(out).take();
}

std::uint32_t Vault::index_of(session::Counter counter) const {
  return counter_index(settings_.link, settings_.peer_box, counter);
}

std::uint32_t Vault::counter_index(const std::string& link, const std::string& peer_box, session::Counter counter) {
  return crypto::TpmCounter::index_of(link + "/" + peer_box, counter == session::Counter::own ? 0 : 1);
}

Result<std::uint64_t> Vault::store(std::span<const std::byte> record) {
  crypto::AeadNonce nonce{};
  // 96 random bits a record: some hundred a year under one key, so that two alike are out of the question.
  crypto::SystemRandom{}.fill(nonce);
  std::vector<std::byte> file(magic.begin(), magic.end());
  file.insert(file.end(), nonce.begin(), nonce.end());
  const std::size_t head = file.size();
  file.resize(head + record.size() + crypto::aead_tag_bytes);
  cipher_->seal(nonce, associated(), record, std::span{file}.subspan(head));
  if (auto replaced = replace_file(settings_.path, file); !replaced) return std::unexpected{replaced.error()};
  return 0;
}

Result<std::uint64_t> Vault::move(session::Counter counter, std::uint64_t to) {
  auto tpm = crypto::Tpm::open(settings_.tpm);
  if (!tpm) return std::unexpected{tpm.error()};
  return crypto::TpmCounter::advance(*tpm, index_of(counter), to);
}

}  // namespace cloister::drivers
