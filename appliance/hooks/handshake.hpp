#pragma once
/// The bootstrap's handshake: TLS 1.3. Where the simulation runs a thousand sessions a second it may have another one,
/// which is no secret to anybody and as strict with what comes.

#include "crypto/tls_handshake.hpp"

#ifdef CLOISTER_PLANTED_BUGS
#include <memory>
#endif

namespace cloister::hooks {

#ifdef CLOISTER_PLANTED_BUGS
/// As crypto::TlsHandshake in all that it offers.
class Handshake {
 public:
  Handshake(crypto::TlsRole role, const crypto::Credentials& credentials, std::string names,
            std::vector<std::byte> context);
  Handshake(Handshake&&) noexcept;
  Handshake& operator=(Handshake&&) noexcept;
  ~Handshake();
  [[nodiscard]] Result<std::vector<std::byte>> advance(std::span<const std::byte> received);
  [[nodiscard]] std::vector<std::byte> take_alert();
  [[nodiscard]] bool done() const;
  [[nodiscard]] Result<crypto::BootstrapSecret> take_secret();
  [[nodiscard]] std::optional<std::string> late_refusal(std::span<const std::byte> received);

 private:
  struct Toy;
  std::optional<crypto::TlsHandshake> tls_;
  std::unique_ptr<Toy> toy_;
};
#else
using Handshake = crypto::TlsHandshake;
#endif

}  // namespace cloister::hooks
