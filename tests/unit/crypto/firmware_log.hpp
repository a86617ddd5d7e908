#pragma once
/// A firmware's log, written as the profile has it (TCG PC Client Platform Firmware Profile 1.06, section 10), and the PCR that it makes.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/digest.hpp"
#include "crypto/pcr_policy.hpp"

namespace cloister::crypto::test {

using Bytes = std::vector<std::byte>;

inline constexpr std::uint32_t separator = 4;
inline constexpr std::uint32_t action = 0x80000007;
inline constexpr std::uint32_t application = 0x80000003;
inline constexpr std::uint32_t variable_configured = 0x80000001;
inline constexpr std::uint32_t variable_authority = 0x800000E0;

template <class Number>
void put(Bytes& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    out.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(number) >> (8 * i)));
}
inline void append(Bytes& out, std::span<const std::byte> bytes) {
  for (const auto byte : bytes) out.push_back(byte);
}
inline void put_text(Bytes& out, std::string_view text) { append(out, std::as_bytes(std::span{text})); }

using Guid = std::array<unsigned char, 16>;
inline constexpr Guid global{0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11,
                             0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C};
inline constexpr Guid security{0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45,
                               0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F};

inline Bytes variable(const Guid& vendor, std::string_view name, const Bytes& value) {
  Bytes out;
  append(out, std::as_bytes(std::span{vendor}));
  put<std::uint64_t>(out, name.size());
  put<std::uint64_t>(out, value.size());
  for (const char character : name) put<std::uint16_t>(out, static_cast<std::uint16_t>(character));
  append(out, value);
  return out;
}
inline Bytes certificate_entry(std::string_view certificate) {
  Bytes out(16, std::byte{0x33});  // who has entered it
  put_text(out, certificate);
  return out;
}

class FirmwareLog {
 public:
  FirmwareLog() {
    Bytes head;
    put_text(head, std::string_view{"Spec ID Event03\0", 16});
    put<std::uint32_t>(head, 0);
    append(head, std::array{std::byte{0}, std::byte{2}, std::byte{0}, std::byte{2}});  // versions, the width of a word
    put<std::uint32_t>(head, 2);
    for (const auto number : {4, 20, 11, 32})
      put<std::uint16_t>(head, static_cast<std::uint16_t>(number));  // SHA-1, SHA-256
    head.push_back(std::byte{});
    put<std::uint32_t>(bytes_, 0);
    put<std::uint32_t>(bytes_, 3);
    bytes_.resize(bytes_.size() + 20);
    put<std::uint32_t>(bytes_, static_cast<std::uint32_t>(head.size()));
    append(bytes_, head);
  }
  FirmwareLog& event(unsigned pcr, std::uint32_t type, const Bytes& content) {
    return event(pcr, type, content, sha256(content));
  }
  FirmwareLog& event(unsigned pcr, std::uint32_t type, const Bytes& content, const PcrDigest& digest) {
    put<std::uint32_t>(bytes_, pcr);
    put<std::uint32_t>(bytes_, type);
    put<std::uint32_t>(bytes_, 2);
    put<std::uint16_t>(bytes_, 4);
    bytes_.resize(bytes_.size() + 20);
    put<std::uint16_t>(bytes_, 11);
    append(bytes_, digest);
    put<std::uint32_t>(bytes_, static_cast<std::uint32_t>(content.size()));
    append(bytes_, content);
    std::array<std::byte, 64> both{};
    std::ranges::copy(digest, std::ranges::copy(pcrs_[pcr], both.begin()).out);
    pcrs_[pcr] = sha256(both);
    extensions_.emplace_back(pcr, digest);
    return *this;
  }
  /// A start under Secure Boot, on or off, of what these certificates vouch for, and of these programs.
  FirmwareLog& start(bool on, std::initializer_list<std::string_view> certificates,
                     std::initializer_list<std::string_view> programs) {
    event(7, variable_configured, variable(global, "SecureBoot", {on ? std::byte{1} : std::byte{0}}));
    event(7, variable_configured, variable(global, "PK", {std::byte{9}}));
    event(7, variable_configured, variable(security, "db", {std::byte{9}}));
    Bytes calling;
    put_text(calling, "Calling EFI Application from Boot Option");
    event(4, action, calling);
    for (const unsigned pcr : {4U, 7U}) event(pcr, separator, Bytes(4));
    for (const auto certificate : certificates)
      event(7, variable_authority, variable(security, "db", certificate_entry(certificate)));
    for (const auto program : programs) event(4, application, Bytes(20), digest_of(program));
    return *this;
  }
  static PcrDigest digest_of(std::string_view text) {
    Bytes bytes;
    put_text(bytes, text);
    return sha256(bytes);
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  /// What the firmware has extended, in its order.
  [[nodiscard]] const std::vector<std::pair<unsigned, PcrDigest>>& extensions() const { return extensions_; }
  [[nodiscard]] PcrDigest pcr(unsigned number) const { return pcrs_[number]; }

 private:
  Bytes bytes_;
  std::vector<std::pair<unsigned, PcrDigest>> extensions_;
  std::array<PcrDigest, 24> pcrs_{};
};

}  // namespace cloister::crypto::test
