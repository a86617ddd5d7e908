#include "appliance/cloisterctl/psk.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <format>
#include <iostream>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "crypto/psk_text.hpp"
#include "crypto/random.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

using crypto::Psk;
using crypto::PskHalf;

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

/// A line of standard input, straight into secret memory; of one that is too long, so much that its parser sees that.
crypto::SecretVector<std::byte> read_line() {
  crypto::SecretVector<std::byte> line;
  line.reserve(crypto::psk_line_bytes_max + 1);
  for (std::byte character{}; ::read(STDIN_FILENO, &character, 1) == 1 && character != std::byte{'\n'};) {
    if (line.size() <= crypto::psk_line_bytes_max) line.push_back(character);
  }
  return line;
}

auto ask(const SilentInput& silent, std::string_view what) {
  if (silent.active()) std::cerr << what << " (not shown): " << std::flush;
  auto line = read_line();
  if (silent.active()) std::cerr << '\n';
  return crypto::parse_psk(line);
}

Result<Psk> read_psk() {
  const SilentInput silent;
  auto first = ask(silent, "PSK of 64 hexadecimal digits, or one of its two halves");
  if (!first) return std::unexpected{first.error()};
  if (auto* whole = std::get_if<Psk>(&*first)) return std::move(*whole);
  const auto& one = std::get<PskHalf>(*first);
  const auto second = ask(silent, std::format("half {} of 2", 3 - one.number));
  if (!second) return std::unexpected{second.error()};
  const auto* other = std::get_if<PskHalf>(&*second);
  if (other == nullptr)
    return fail(std::format("after half {} of 2 comes half {}, not a whole PSK", one.number, 3 - one.number));
  return crypto::join(one, *other);
}

bool show_line(std::span<const std::byte> text) {
  return ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         ::write(STDOUT_FILENO, "\n", 1) == 1;
}

/// One after the other: on a terminal the first is off the screen, and out of what can be scrolled back to, before the
/// second is on it.
bool show_halves(const std::array<PskHalf, 2>& halves) {
  const bool by_turns = ::isatty(STDOUT_FILENO) != 0 && ::isatty(STDIN_FILENO) != 0;
  constexpr std::string_view clear_screen = "\x1b[H\x1b[2J\x1b[3J";
  for (const auto& half : halves) {
    if (!show_line(crypto::to_text(half).expose())) return false;
    if (!by_turns) continue;
    std::cerr << std::format("for courier {} alone; Enter, once it is written down, clears the screen: ", half.number)
              << std::flush;
    read_line();
    std::cout << clear_screen << std::flush;
  }
  return true;
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
  std::cerr << std::format(
      "sealed in '{}'; {} to the other box and give {} to 'cloisterctl psk import' there; it is not shown again\n",
      options.output, options.halves ? "let two couriers carry a half each" : "carry this",
      options.halves ? "both" : "it");
  const bool shown =
      options.halves ? show_halves(crypto::split(psk, random)) : show_line(crypto::to_text(psk).expose());
  if (!shown) return fail("the PSK could not be shown: generate another with --force");
  return {};
}

Result<> psk_import(const PskOptions& options) {
  const auto psk = read_psk();
  if (!psk) return std::unexpected{psk.error()};
  if (auto sealed = seal_to(options, *psk); !sealed) return sealed;
  if (options.json)
    std::cout << boost::json::serialize(boost::json::object{{"file", options.output}}) << '\n';
  else
    std::cerr << std::format("sealed in '{}'\n", options.output);
  return {};
}

}  // namespace cloister::cloisterctl
