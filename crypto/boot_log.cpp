#include "crypto/boot_log.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <format>
#include <optional>
#include <string_view>

#include "crypto/digest.hpp"

namespace cloister::crypto {
namespace {

using Bytes = std::span<const std::byte>;

// TCG PC Client Platform Firmware Profile 1.06, 10.4.1.
constexpr std::uint32_t ev_no_action = 3;
constexpr std::uint32_t ev_separator = 4;
constexpr std::uint32_t ev_variable_configured = 0x80000001;  // EV_EFI_VARIABLE_DRIVER_CONFIG
constexpr std::uint32_t ev_variable_authority = 0x800000E0;   // EV_EFI_VARIABLE_AUTHORITY
// TPM 2.0 part 2, 6.3: the algorithms that a bank of PCRs may have, and the length of their digests.
constexpr std::uint16_t sha256_id = 0x000B;
constexpr std::size_t algorithms_max = 16;
constexpr std::size_t sha1_bytes = 20;

/// Little-endian numbers and pieces, from front to back; once something is missing, everything is.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_{bytes} {}
  template <class Number>
  Number number() {
    Number value = 0;
    const auto bytes = piece(sizeof(Number));
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = static_cast<Number>(static_cast<std::uint64_t>(value) << 8U | std::to_integer<std::uint64_t>(bytes[i]));
    return value;
  }
  Bytes piece(std::uint64_t length) {
    if (length > rest_.size()) {
      whole_ = false;
      rest_ = {};
      return {};
    }
    const auto out = rest_.first(static_cast<std::size_t>(length));
    rest_ = rest_.subspan(static_cast<std::size_t>(length));
    return out;
  }
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] bool ended() const { return rest_.empty(); }

 private:
  Bytes rest_;
  bool whole_ = true;
};

struct Algorithm {
  std::uint16_t id;
  std::uint16_t digest_bytes;
};

struct Event {
  std::uint32_t pcr;
  std::uint32_t type;
  PcrDigest digest{};  // of the bank SHA-256
  Bytes content;
};

/// The log's first event, in the form of TPM 1.2: which digests those after it have (10.4.5.1).
std::optional<std::vector<Algorithm>> read_head(Reader& log) {
  log.piece(sizeof(std::uint32_t));  // the PCR
  const auto type = log.number<std::uint32_t>();
  log.piece(sha1_bytes);
  Reader event{log.piece(log.number<std::uint32_t>())};
  constexpr std::string_view signature{"Spec ID Event03\0", 16};
  constexpr std::size_t platform_and_versions = 8;
  const bool known = std::ranges::equal(event.piece(signature.size()), std::as_bytes(std::span{signature}));
  event.piece(platform_and_versions);
  const auto count = event.number<std::uint32_t>();
  if (!log.whole() || type != ev_no_action || !known || count > algorithms_max) return std::nullopt;
  std::vector<Algorithm> algorithms;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto id = event.number<std::uint16_t>();
    algorithms.push_back({.id = id, .digest_bytes = event.number<std::uint16_t>()});
  }
  return event.whole() ? std::optional{algorithms} : std::nullopt;
}

std::optional<Event> read_event(Reader& log, const std::vector<Algorithm>& algorithms) {
  Event event{.pcr = log.number<std::uint32_t>(), .type = log.number<std::uint32_t>(), .content = {}};
  const auto count = log.number<std::uint32_t>();
  bool has_digest = false;
  for (std::uint32_t i = 0; i < count && log.whole(); ++i) {
    const auto id = log.number<std::uint16_t>();
    const auto known = std::ranges::find(algorithms, id, &Algorithm::id);
    if (known == algorithms.end()) return std::nullopt;
    const auto digest = log.piece(known->digest_bytes);
    if (id != sha256_id || digest.size() != event.digest.size()) continue;
    std::ranges::copy(digest, event.digest.begin());
    has_digest = true;
  }
  event.content = log.piece(log.number<std::uint32_t>());
  return log.whole() && has_digest ? std::optional{event} : std::nullopt;
}

struct Variable {
  std::string name;  // characters beyond ASCII as '?'
  Bytes value;
};

/// UEFI_VARIABLE_DATA (10.2.6).
std::optional<Variable> read_variable(Bytes content) {
  constexpr std::size_t guid_bytes = 16;
  constexpr std::uint64_t name_max = 256;
  Reader reader{content};
  reader.piece(guid_bytes);
  const auto characters = reader.number<std::uint64_t>();
  const auto bytes = reader.number<std::uint64_t>();
  if (!reader.whole() || characters > name_max) return std::nullopt;
  Variable variable;
  for (std::uint64_t i = 0; i < characters; ++i) {
    const auto character = reader.number<std::uint16_t>();
    variable.name += character > 0 && character < 0x80 ? static_cast<char>(character) : '?';
  }
  variable.value = reader.piece(bytes);
  return reader.whole() && reader.ended() ? std::optional{variable} : std::nullopt;
}

void extend(PcrDigest& pcr, const PcrDigest& digest) {
  std::array<std::byte, 2 * PcrDigest{}.size()> both{};
  std::ranges::copy(digest, std::ranges::copy(pcr, both.begin()).out);
  pcr = sha256(both);
}

Result<> judge(const Event& event, SecureBoot& found) {
  if (sha256(event.content) != event.digest)
    return fail(std::format("an event of type {:#x} in PCR 7 is not what was measured", event.type));
  if (event.type == ev_separator) return {};
  if (event.type != ev_variable_configured && event.type != ev_variable_authority)
    return fail(std::format("an event of type {:#x} in PCR 7 is none that can be judged", event.type));
  const auto variable = read_variable(event.content);
  if (!variable) return fail("an event in PCR 7 is no variable of the firmware");
  if (event.type == ev_variable_configured) {
    const bool one = variable->value.size() == 1 && variable->value[0] == std::byte{1};
    if (variable->name == "SecureBoot") found.on = found.on.value_or(true) && one;
    return {};
  }
  constexpr std::size_t owner_bytes = 16;  // EFI_SIGNATURE_DATA: who has entered it, then the certificate
  if (variable->value.size() <= owner_bytes)
    return fail(std::format("what vouched for something started, in '{}', is no certificate", variable->name));
  found.authorities.push_back(sha256_hex(variable->value.subspan(owner_bytes)));
  return {};
}

}  // namespace

Result<SecureBoot> read_secure_boot(Bytes log) {
  if (log.size() > boot_log_bytes_max) return fail("the firmware's log is longer than 512 KiB");
  Reader reader{log};
  const auto algorithms = read_head(reader);
  if (!algorithms) return fail("the firmware's log does not begin as one for a TPM 2.0");
  SecureBoot found;
  while (!reader.ended()) {
    const auto event = read_event(reader, *algorithms);
    if (!event) return fail("the firmware's log is cut or damaged, or has no digests of SHA-256");
    if (event->pcr != secure_boot_pcr || event->type == ev_no_action) continue;
    if (auto judged = judge(*event, found); !judged) return std::unexpected{judged.error()};
    extend(found.pcr, event->digest);
  }
  return found;
}

}  // namespace cloister::crypto
