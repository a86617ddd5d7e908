#include "appliance/cloisterctl/psk.hpp"

#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <format>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/tpm_options.hpp"
#include "crypto/psk_text.hpp"
#include "crypto/random.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

struct PskOptions {
  TpmOptions tpm;
  std::string output;   // the sealed blob
  bool halves = false;  // show it in two halves, for two couriers
  bool json = false;    // for programs
  bool force = false;   // show a fresh PSK although standard output is no terminal; replace an existing blob
};

using crypto::Psk;
using crypto::PskHalf;

Result<> seal_to(const PskOptions& options, const Psk& psk) {
  auto tpm = options.tpm.open();
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

/// Straight out of secret memory: a stream would keep a copy.
bool show(std::span<const std::byte> text) {
  return ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool show(std::string_view text) { return show(std::as_bytes(std::span{text})); }

bool show_line(std::span<const std::byte> text) { return show(text) && show("\n"); }

std::string json_text(const std::string& text) { return boost::json::serialize(boost::json::value{text}); }

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

/// One object, the halves in one list: who carries what is for the program to decide.
bool show_json(const PskOptions& options, const Psk& psk, crypto::Random& random) {
  if (!show(std::format("{{\"file\":{},\"psk\":", json_text(options.output)))) return false;
  if (!options.halves) return show("\"") && show(crypto::to_text(psk).expose()) && show("\",\"halves\":null}\n");
  const auto halves = crypto::split(psk, random);
  return show("null,\"halves\":[\"") && show(crypto::to_text(halves[0]).expose()) && show("\",\"") &&
         show(crypto::to_text(halves[1]).expose()) && show("\"]}\n");
}

bool show_plain(const PskOptions& options, const Psk& psk, crypto::Random& random) {
  return options.halves ? show_halves(crypto::split(psk, random)) : show_line(crypto::to_text(psk).expose());
}

/// Draws a PSK of 256 bits, seals it, and shows it once for the courier to the other box, or its halves for two.
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
  if (!options.json)
    std::cerr << std::format(
        "sealed in '{}'; {} to the other box and give {} to 'cloisterctl psk import' there; it is not shown again\n",
        options.output, options.halves ? "let two couriers carry a half each" : "carry this",
        options.halves ? "both" : "it");
  const bool shown = options.json ? show_json(options, psk, random) : show_plain(options, psk, random);
  if (!shown) return fail("the PSK could not be shown: generate another with --force");
  return {};
}

/// Reads a PSK, 64 hexadecimal digits or two halves, from standard input (without echo on a terminal) and seals it.
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

}  // namespace

void offer_psk(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<PskOptions>();
  auto* psk = app.add_subcommand("psk", "Make or take over a bootstrap PSK, sealed in the TPM");
  psk->require_subcommand(1);
  auto* generate = psk->add_subcommand("generate", "Draw a PSK of 256 bits, seal it, show it once");
  auto* import = psk->add_subcommand(
      "import", "Read a PSK (64 hexadecimal digits, or two halves) from standard input and seal it");
  for (auto* command : {generate, import}) {
    options->tpm.offer(command);
    command->add_option("--output", options->output, "File for the sealed PSK, as 'bootstrap.psk' of the link names it")
        ->required();
  }
  generate->add_flag("--halves", options->halves, "Show it in two halves, for two couriers; neither knows the key");
  generate->add_flag("--json", options->json,
                     "For programs: where it is sealed, and the PSK or its halves; to a pipe with --force alone too");
  generate->add_flag("--force", options->force, "Write the PSK to a pipe too; replace an existing file");
  import->add_flag("--json", options->json, "For programs: where it is sealed");
  import->add_flag("--force", options->force, "Replace an existing file");
  invocation.on_with_secrets(generate, [options] { return ended(psk_generate(*options)); });
  invocation.on_with_secrets(import, [options] { return ended(psk_import(*options)); });
}

}  // namespace cloister::cloisterctl
