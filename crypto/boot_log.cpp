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
constexpr std::uint32_t ev_action = 0x80000007;  // EV_EFI_ACTION: a sentence
constexpr std::array<std::uint32_t, 3> ev_programs{
    0x80000003, 0x80000004, 0x80000005};  // boot services' applications and drivers, runtime drivers
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

// UEFI 2.11, 3.3 and 32.6.1: whose variable it is, as it lies in memory.
using Guid = std::array<std::uint8_t, 16>;
constexpr Guid global_variable{0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11,
                               0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C};
constexpr Guid image_security_database{0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45,
                                       0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F};

struct Variable {
  Bytes vendor;
  Bytes name;  // UCS-2
  Bytes value;

  [[nodiscard]] bool is(const Guid& guid, std::string_view ascii) const {
    if (!std::ranges::equal(vendor, std::as_bytes(std::span{guid})) || name.size() != 2 * ascii.size()) return false;
    for (std::size_t i = 0; i < ascii.size(); ++i) {
      if (name[2 * i] != static_cast<std::byte>(ascii[i]) || name[2 * i + 1] != std::byte{}) return false;
    }
    return true;
  }
};

/// UEFI_VARIABLE_DATA (10.2.6).
std::optional<Variable> read_variable(Bytes content) {
  constexpr std::uint64_t name_max = 256;
  Reader reader{content};
  Variable variable{.vendor = reader.piece(sizeof(Guid)), .name = {}, .value = {}};
  const auto characters = reader.number<std::uint64_t>();
  const auto bytes = reader.number<std::uint64_t>();
  if (!reader.whole() || characters > name_max) return std::nullopt;
  variable.name = reader.piece(2 * characters);
  variable.value = reader.piece(bytes);
  return reader.whole() && reader.ended() ? std::optional{variable} : std::nullopt;
}

void extend(PcrDigest& pcr, const PcrDigest& digest) {
  std::array<std::byte, 2 * PcrDigest{}.size()> both{};
  std::ranges::copy(digest, std::ranges::copy(pcr, both.begin()).out);
  pcr = sha256(both);
}

std::unexpected<Error> refused(const Event& event, const char* why) {
  return fail(std::format("the firmware's log has an event of type {:#x} in PCR {} {}", event.type, event.pcr, why));
}

bool is_what_was_measured(const Event& event) { return sha256(event.content) == event.digest; }

/// Of what comes before the system and what comes after; one in each PCR. Other contents say that something went wrong (10.4.1).
bool is_good_separator(const Event& event) {
  const auto all = [&](std::byte value) {
    return std::ranges::all_of(event.content, [&](std::byte byte) { return byte == value; });
  };
  return event.content.size() == 4 && (all(std::byte{}) || all(std::byte{0xFF}));
}

/// A program's digest is Authenticode's, its content says where it lay.
Result<> judge_program(const Event& event, BootLog& found) {
  if (std::ranges::find(ev_programs, event.type) != ev_programs.end()) {
    found.programs.push_back(event.digest);
    return {};
  }
  if (event.type != ev_action && event.type != ev_separator) return refused(event, "that cannot be judged");
  if (!is_what_was_measured(event)) return refused(event, "that is not what was measured");
  return {};
}

Result<> judge_secure_boot(const Event& event, bool separated, BootLog& found) {
  constexpr std::size_t owner_bytes = sizeof(Guid);  // EFI_SIGNATURE_DATA: who has entered it, then the certificate
  if (!is_what_was_measured(event)) return refused(event, "that is not what was measured");
  if (event.type == ev_separator)
    return separated || !is_good_separator(event) ? Result<>{refused(event, "that says something went wrong")}
                                                  : Result<>{};
  if (event.type != ev_variable_configured && event.type != ev_variable_authority)
    return refused(event, "that cannot be judged");
  const auto variable = read_variable(event.content);
  if (!variable) return refused(event, "that is no variable of the firmware");
  if (event.type == ev_variable_configured) {
    const bool one = variable->value.size() == 1 && variable->value[0] == std::byte{1};
    if (variable->is(global_variable, "SecureBoot")) found.secure_boot = found.secure_boot.value_or(true) && one;
    return {};
  }
  if (!variable->is(image_security_database, "db") || variable->value.size() <= owner_bytes)
    return refused(event, "that is no certificate of the firmware's list");
  found.authorities.push_back(sha256(variable->value.subspan(owner_bytes)));
  return {};
}

}  // namespace

Result<BootLog> read_boot_log(Bytes log) {
  if (log.size() > boot_log_bytes_max) return fail("the firmware's log is longer than 512 KiB");
  Reader reader{log};
  const auto algorithms = read_head(reader);
  if (!algorithms) return fail("the firmware's log does not begin as one for a TPM 2.0");
  BootLog found{
      .pcrs = {{programs_pcr, {}}, {secure_boot_pcr, {}}}, .programs = {}, .secure_boot = {}, .authorities = {}};
  bool separated = false;  // PCR 7
  while (!reader.ended()) {
    const auto event = read_event(reader, *algorithms);
    if (!event) return fail("the firmware's log is cut or damaged, or has no digests of SHA-256");
    const auto pcr = found.pcrs.find(event->pcr);
    if (pcr == found.pcrs.end() || event->type == ev_no_action) continue;
    const auto judged =
        event->pcr == programs_pcr ? judge_program(*event, found) : judge_secure_boot(*event, separated, found);
    if (!judged) return std::unexpected{judged.error()};
    separated = separated || (event->pcr == secure_boot_pcr && event->type == ev_separator);
    extend(pcr->second, event->digest);
  }
  return found;
}

}  // namespace cloister::crypto
