#pragma once
/// How an event stands in a line, of the service's list or of the audit log.

#include <cstdint>
#include <format>
#include <string>
#include <string_view>

#include "appliance/cloisterctl/colours.hpp"

namespace cloister::cloisterctl {

inline std::string with_times(const std::string& text, std::uint64_t times) {
  return times > 1 ? std::format("{} ({} times)", text, times) : text;
}

inline std::string coloured(std::string_view code, bool alarm) {
  const bool paint = alarm && colours_wanted();
  const std::string padded = std::format("{:<24}", code);
  return paint ? "\x1b[31m" + padded + "\x1b[0m" : padded;
}

}  // namespace cloister::cloisterctl
