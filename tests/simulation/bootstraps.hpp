#pragma once
/// How the boxes of a run show each other who they are while no key of their link's own does.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/credentials.hpp"
#include "tests/simulation/speed.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

enum class Bootstrap : std::uint8_t {
  toy,  // not TLS, but something quick (toy_handshake.cpp)
  psk,
  pinned_keys,
  certificates,
  pinned_keys_and_psk,
  certificates_and_psk,
  end
};
[[nodiscard]] std::string_view name_of(Bootstrap kind);

/// At store speed TLS in one run of so many, since it costs more than all else in a run; at chain speed in each.
inline constexpr std::uint64_t store_runs_a_tls = 32;
[[nodiscard]] Bootstrap draw_bootstrap(VirtualWorld& world, Speed speed);

/// What one box of a link has for it, and what it expects of the peer.
[[nodiscard]] crypto::Credentials credentials_of(Bootstrap kind, const std::string& own_box,
                                                 const std::string& peer_box);

/// The private key of the authority that certified every box here.
[[nodiscard]] std::vector<std::byte> authority_secret();

}  // namespace cloister::simulation
