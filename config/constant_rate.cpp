#include "config/constant_rate.hpp"

#include <format>
#include <string>

#include "config/kinds.hpp"

namespace cloister::config {
namespace {

constexpr std::uint32_t packets_per_second_min = 10;
constexpr std::uint64_t key_packets_max = std::uint64_t{1} << 32U;  // of one that is extended
constexpr const char* key = "constant_packets_per_second";

/// A key is used for a second at least, as by 'rekey_interval'.
void expect_a_second(Section& section, const Tunnel& tunnel, const std::string& limit, std::uint64_t most,
                     std::uint64_t per_second) {
  if (most == 0 || most >= per_second) return;
  section.error(
      limit, std::format("is reached in less than a second with '{}: {}': expected {} at least, or a lower rate", key,
                         tunnel.constant_packets_per_second, per_second));
}

}  // namespace

std::uint64_t constant_datagram_bytes(const Tunnel& tunnel) {
  constexpr std::uint64_t aggregate_header = 4;
  constexpr std::uint64_t around = 8 + 8 + 8 + 16;  // UDP; SPI and sequence, IV, ICV
  const std::uint64_t ip_header = tunnel.peer_endpoint.family == Family::v4 ? 20 : 40;
  const std::uint64_t sealed = (aggregate_header + tunnel.mtu + 2 + 3) / 4 * 4;  // with a trailer, to a multiple of 4
  return ip_header + around + sealed;
}

std::uint64_t constant_bits_per_second(const Tunnel& tunnel) {
  return 8 * constant_datagram_bytes(tunnel) * tunnel.constant_packets_per_second;
}

void read_constant_rate(Section& section, Tunnel& tunnel) {
  section.read_optional(key, tunnel.constant_packets_per_second,
                        within(a_whole<std::uint32_t>("a rate: expected a whole number"), packets_per_second_min,
                               static_cast<std::uint32_t>(constant_packets_per_second_max)));
}

void expect_constant_rate(Section& section, const Tunnel& tunnel) {
  const std::uint64_t rate = tunnel.constant_packets_per_second;
  if (rate == 0) return;
  if (tunnel.cipher == Cipher::one_time_pad)
    return section.error(
        key, "is of tunnels under AES-256-GCM: dummies would use up the pad of a tunnel with 'cipher: one-time-pad'");
  if (!tunnel.dscp)
    section.error("dscp",
                  std::format("'copy' tells by its classes what goes on inside: expected a number with '{}'", key));
  if (!tunnel.pad_to.empty())
    section.error("pad_to", std::format("says nothing with '{}': all datagrams are of one length. Take it out", key));
  expect_a_second(section, tunnel, "rekey_packets", tunnel.rekey_packets, rate);
  expect_a_second(section, tunnel, "rekey_bytes", tunnel.rekey_bytes, rate * (tunnel.mtu + 4));
  const auto longest = tunnel.key_lifetime + tunnel.extend_for;
  if (tunnel.when_keys_run_out == WhenKeysRunOut::extend &&
      static_cast<std::uint64_t>(longest.count()) * rate / 1000 > key_packets_max)
    section.error("when_keys_run_out",
                  std::format("a key that is extended ends after 2^32 packets, which with '{}: {}' are sent before: "
                              "expected a shorter time, or a lower rate",
                              key, rate));
}

}  // namespace cloister::config
