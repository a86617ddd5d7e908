#pragma once
/// What a box is told by its configuration file, checked and with defaults filled in.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloister::config {

using std::chrono::milliseconds;

enum class Family { v4, v6 };

struct Endpoint {
  std::string address;  // numeric
  std::uint16_t port = 0;
  Family family = Family::v4;
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};

/// An IP network; the bits behind the length are zero.
struct Prefix {
  Family family = Family::v4;
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four
  unsigned length = 0;
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool overlaps(const Prefix& other) const;
  bool operator==(const Prefix&) const = default;
};

/// An interface's own address, with the network that it lies in.
struct InterfaceAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four
  Prefix network;
  [[nodiscard]] std::string to_string() const;
  bool operator==(const InterfaceAddress&) const = default;
};

/// Of each link its own (RFC 3927; RFC 4291, section 2.5.6).
[[nodiscard]] bool is_link_local(const Prefix& address);

/// The same in another's words: a type with `address` (bytes, IPv4 in the first four), `v6` and `length`.
template <class Other>
[[nodiscard]] Other prefix_as(const Prefix& prefix) {
  Other other;
  other.v6 = prefix.family == Family::v6;
  other.length = static_cast<std::uint8_t>(prefix.length);
  for (std::size_t i = 0; i < prefix.bytes.size(); ++i) other.address[i] = std::byte{prefix.bytes[i]};
  return other;
}

struct Box {
  std::string name;
  std::string state_directory = "/var/lib/cloister";
  std::string identity;     // path of the sealed identity; empty: none
  std::string certificate;  // path of its certificate, PEM; empty: none
  std::string control_socket = "/run/cloister/control.sock";
  std::string network_socket = "/run/cloister-network/socket";  // where cloister-netd answers
  bool operator==(const Box&) const = default;
};

struct Tpm {
  std::string tcti = "device:/dev/tpmrm0";
  std::vector<unsigned> pcrs;  // of SHA-256, ascending, that sealed objects are bound to; empty: to none
  std::string policy_key;      // path of the key that signs their values, PEM; empty: none
  std::string policy_signatures = "/var/lib/cloister/pcr-policy.json";
  bool generations = false;              // only signatures that name one count, and none older than the TPM's counter
  std::vector<unsigned> unchanged_pcrs;  // ascending; must be as they were when it was sealed, whatever is signed
  bool operator==(const Tpm&) const = default;
};

/// How a link comes to a bootstrap that is not its first.
enum class BootstrapAgain { automatic, by_operator };

/// A box whose word about another's key this box's operator takes.
struct Introducer {
  std::string name;
  std::string key;  // fingerprint
  bool operator==(const Introducer&) const = default;
};

/// Whose vouchers say what the peer's key is.
struct Vouched {
  std::vector<Introducer> by;         // empty: the peer's key is not known by vouchers
  std::size_t needed = 0;             // so many of them
  std::vector<std::string> vouchers;  // paths
  bool operator==(const Vouched&) const = default;
};

struct Bootstrap {
  std::string psk;    // path of the sealed PSK; empty: none
  std::string trust;  // fingerprint of the peer's key; empty: none
  Vouched vouched;
  std::string ca;   // path of the operator's certificate authorities, PEM; empty: none
  std::string crl;  // path of their revocation lists, PEM
  BootstrapAgain again = BootstrapAgain::automatic;
  bool operator==(const Bootstrap&) const = default;
};

/// What authenticates blocks once there is QKD key.
enum class AuthenticationPolicy { its_only, its_preferred, computational };

struct Authentication {
  AuthenticationPolicy policy = AuthenticationPolicy::its_preferred;
  std::uint64_t reserve_bytes = 16UZ * 1024;
  bool operator==(const Authentication&) const = default;
};

enum class DeviceRole { alice, bob };

/// A vendor's library, with `driver: plugin`.
struct Plugin {
  std::string library;
  std::string sha256;                                    // of the file, 64 lower-case hexadecimal digits
  std::string node;                                      // what is opened for it; empty: nothing
  std::string host_socket = "/run/cloister-hal/socket";  // where its process is started
  bool operator==(const Plugin&) const = default;
};

/// Where a KME listens: https://HOST:PORT.
struct Url {
  std::string host;  // a name, or a numeric address without brackets
  std::uint16_t port = 443;
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Url&) const = default;
};

/// A key management entity that gives finished keys, with `driver: etsi014`.
struct Kme {
  Url url;
  std::string address;  // numeric; empty: the url's host is
  std::string own_sae;
  std::string peer_sae;
  std::string ca;           // path, PEM
  std::string certificate;  // path, PEM
  std::string key;          // path, PEM; empty: the box's identity
  std::uint32_t key_size_bits = 256;
  std::uint32_t block_bits = 32'768;
  bool operator==(const Kme&) const = default;
};

struct Device {
  std::string driver;
  DeviceRole role = DeviceRole::alice;
  std::string socket = "/run/cloister-fibre/fibre.sock";
  double clock_hz = 1e9;
  milliseconds quarantine{2000};
  bool needs_meters = false;
  Plugin plugin;
  Kme etsi014;
  /// Others make its keys: nothing is distilled here.
  [[nodiscard]] bool gives_finished_keys() const { return driver == "etsi014"; }
  bool operator==(const Device&) const = default;
};

struct Distillation {
  std::uint64_t block_bits = 1'000'000;
  std::string bound = "wiesemann2024";
  double epsilon_budget = 1e-6;
  double planned_years = 10;
  double planned_blocks_per_second = 30;
  double qber_limit = 0.08;
  double key_basis_probability = 0.7;
  std::vector<double> intensities{0.5, 0.15};  // two, or three for bound lim2014
  std::vector<double> probabilities{0.6, 0.4};
  bool operator==(const Distillation&) const = default;
};

struct Link {
  std::string name;
  std::string peer;
  Endpoint local_address;
  Endpoint peer_address;
  Bootstrap bootstrap;
  Authentication authentication;
  Device device;
  Distillation distillation;
  bool operator==(const Link&) const = default;
};

enum class Cipher { aes_256_gcm, one_time_pad };
enum class WhenKeysRunOut { block, extend, pqc };

/// Who says which packets go into a tunnel: its subnets, or the kernel's routing table, whoever fills it.
enum class Routing { subnets, kernel };

struct Tunnel {
  std::string name;
  std::string link;
  std::vector<Prefix> local_subnets;
  std::vector<Prefix> remote_subnets;
  std::string interface;
  Routing routing = Routing::subnets;
  std::vector<InterfaceAddress> addresses;  // of the interface; with Routing::kernel only
  Endpoint local_endpoint;
  Endpoint peer_endpoint;
  unsigned mtu = 1420;
  bool clamp_mss = true;
  bool fragment_outer = false;
  std::optional<unsigned> dscp = 0;               // of the outer packets; none: the inner one's, with its ECN
  std::vector<unsigned> pad_to;                   // lengths, ascending; empty: no packet is padded
  std::uint32_t constant_packets_per_second = 0;  // 0: as there is traffic
  Cipher cipher = Cipher::aes_256_gcm;
  std::uint64_t pad_bytes = 256UZ * 1024;  // with a one-time pad; what is below is not, and keeps its defaults
  milliseconds rekey_interval{10'000};
  milliseconds key_lifetime{30'000};
  std::uint32_t stock = 64;
  WhenKeysRunOut when_keys_run_out = WhenKeysRunOut::block;
  milliseconds extend_for{0};
  std::uint64_t rekey_bytes = 0;  // 0: however many
  std::uint64_t rekey_packets = 0;
  bool hybrid = true;
  bool operator==(const Tunnel&) const = default;
};

/// When an operator is told, and of what not.
struct Alarms {
  milliseconds keys_left_below{60'000};  // 0: nothing is watched
  double qber_above = 0.8;               // of the link's qber_limit
  double light_below = 0.1;              // of the usual rate of detections
  milliseconds after{0};
  std::vector<std::string> ignore;  // codes
  bool operator==(const Alarms&) const = default;
};

struct Logging {
  bool alarms_only = false;  // in the journal
  std::uint64_t audit_file_bytes = std::uint64_t{16} << 20U;
  unsigned audit_files = 2;
  bool operator==(const Logging&) const = default;
};

struct Configuration {
  Box box;
  Tpm tpm;
  std::vector<Introducer> introducers;
  std::vector<Link> links;
  std::vector<Tunnel> tunnels;
  Alarms alarms;
  Logging logging;
  bool operator==(const Configuration&) const = default;
};

}  // namespace cloister::config
