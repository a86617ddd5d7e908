#pragma once
/// Values as people write them. Each parser takes the whole text or nothing; the expected form is in the caller's
/// message.

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/model.hpp"

namespace cloister::config {

/// "0.08", "1e-10"; finite.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
/// "8 %" or "0.08".
[[nodiscard]] std::optional<double> parse_fraction(std::string_view text);
/// "1000000" or "1e6".
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);
/// "500ms", "10s", "2min", "1h".
[[nodiscard]] std::optional<milliseconds> parse_duration(std::string_view text);
/// "512 B", "64 KiB", "1 MiB", "1 GiB", in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// "1 GHz", "500 MHz", "10 kHz", "5 Hz", in Hz.
[[nodiscard]] std::optional<double> parse_frequency(std::string_view text);
/// IPv4 or IPv6, without brackets.
[[nodiscard]] bool is_numeric_address(const std::string& text);
/// "203.0.113.1:4500" or "[2001:db8::1]:4500".
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);
/// "192.0.2.0/24"; the error says what is wrong.
[[nodiscard]] std::expected<Prefix, std::string> parse_prefix(std::string_view text);
/// "10.255.0.1/30" or "fe80::1/64", of one host; the error says what is wrong.
[[nodiscard]] std::expected<InterfaceAddress, std::string> parse_interface_address(std::string_view text);

/// Shown as a person would write it, so that the parser gives the same value back.
[[nodiscard]] std::string show_number(const double& value);
[[nodiscard]] std::string show_duration(const milliseconds& value);
[[nodiscard]] std::string show_size(const std::uint64_t& bytes);
[[nodiscard]] std::string show_frequency(const double& hertz);

}  // namespace cloister::config
