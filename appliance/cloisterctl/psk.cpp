#include "appliance/cloisterctl/psk.hpp"

#include <termios.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <format>
#include <iostream>
#include <optional>

#include "crypto/random.hpp"
#include "crypto/tls_handshake.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

using crypto::Psk;
using HexText = crypto::Secret<struct HexTextRole, 2 * Psk::size>;

/// The digit of a value below 16, without a table: secret bytes index nothing.
std::byte hex_digit(unsigned value) {
  return static_cast<std::byte>('0' + value + (((9U - value) >> 8U) & ('a' - '0' - 10U)));
}

HexText to_hex(const Psk& psk) {
  HexText text;
  for (std::size_t i = 0; i < Psk::size; ++i) {
    const auto byte = std::to_integer<unsigned>(psk.expose()[i]);
    text.fill()[2 * i] = hex_digit(byte >> 4U);
    text.fill()[2 * i + 1] = hex_digit(byte & 15U);
  }
  return text;
}

/// 0xFF for what is no digit; digits are told apart by arithmetic on ranges.
unsigned hex_value(unsigned character) {
  const unsigned decimal = character - '0';
  const unsigned letter = (character | 0x20U) - 'a';
  if (decimal < 10U) return decimal;
  return letter < 6U ? letter + 10U : 0xFFU;
}

Result<> seal_to(const PskOptions& options, const Psk& psk) {
  auto tpm = crypto::Tpm::open(options.tpm);
  if (!tpm) return std::unexpected{tpm.error()};
  return crypto::seal_to_file(*tpm, options.output, psk.expose(), options.force);
}

/// Switches the terminal's echo off while it lives; nothing on a pipe.
class SilentInput {
 public:
  SilentInput() {
    if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    active_ = true;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~SilentInput() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  SilentInput(const SilentInput&) = delete;
  SilentInput& operator=(const SilentInput&) = delete;
  [[nodiscard]] bool active() const { return active_; }

 private:
  termios before_{};
  bool active_ = false;
};

/// The digits of a line on standard input, spaces left out, straight into secret memory.
std::optional<HexText> read_digits() {
  HexText text;
  std::size_t filled = 0;
  for (std::byte character{};;) {
    if (::read(STDIN_FILENO, &character, 1) != 1 || character == std::byte{'\n'}) break;
    if (character == std::byte{' '} || character == std::byte{'\r'}) continue;
    if (filled == HexText::size) return std::nullopt;
    text.fill()[filled++] = character;
  }
  if (filled != HexText::size) return std::nullopt;
  return text;
}

}  // namespace

Result<> psk_generate(const PskOptions& options) {
  if (::isatty(STDOUT_FILENO) == 0 && !options.force) {
    return fail(
        "a fresh PSK is shown once, on a terminal: standard output is none; say --force to write it there all the "
        "same");
  }
  crypto::SystemRandom random;
  Psk psk;
  random.fill(psk.fill());
  if (auto sealed = seal_to(options, psk); !sealed) return sealed;
  const HexText text = to_hex(psk);
  std::cerr << std::format(
      "sealed in '{}'; carry this to the other box and give it to 'cloisterctl psk import' there; it is not shown "
      "again\n",
      options.output);
  const auto shown = text.expose();
  const bool written = ::write(STDOUT_FILENO, shown.data(), shown.size()) == static_cast<ssize_t>(shown.size()) &&
                       ::write(STDOUT_FILENO, "\n", 1) == 1;
  if (!written) return fail("the PSK could not be shown: generate another with --force");
  return {};
}

Result<> psk_import(const PskOptions& options) {
  const SilentInput silent;
  if (silent.active()) std::cerr << "PSK (64 hexadecimal digits, not shown): " << std::flush;
  const auto text = read_digits();
  if (silent.active()) std::cerr << '\n';
  if (!text) return fail("a PSK is 64 hexadecimal digits on one line, as 'cloisterctl psk generate' shows it");
  Psk psk;
  for (std::size_t i = 0; i < Psk::size; ++i) {
    const unsigned high = hex_value(std::to_integer<unsigned>(text->expose()[2 * i]));
    const unsigned low = hex_value(std::to_integer<unsigned>(text->expose()[2 * i + 1]));
    if ((high | low) > 15U)
      return fail("a PSK is 64 hexadecimal digits on one line, as 'cloisterctl psk generate' shows it");
    psk.fill()[i] = static_cast<std::byte>(high << 4U | low);
  }
  if (auto sealed = seal_to(options, psk); !sealed) return sealed;
  if (options.json)
    std::cout << boost::json::serialize(boost::json::object{{"file", options.output}}) << '\n';
  else
    std::cerr << std::format("sealed in '{}'\n", options.output);
  return {};
}

}  // namespace cloister::cloisterctl
