#include "appliance/cloisterctl/factory_reset.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <format>
#include <fstream>
#include <span>
#include <string_view>
#include <system_error>

#include "appliance/cloisterctl/program_output.hpp"
#include "crypto/public_key.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

constexpr const char* unit = "cloister-factory-reset.service";
constexpr std::chrono::seconds patience{30};
constexpr unsigned readable_by_all = 0644;
/// Attributes (UEFI 2.10, 8.2: non-volatile, at boot and at run time; 4 bytes), then "1" in UTF-16.
constexpr std::array<char, 6> asked{7, 0, 0, 0, '1', 0};

bool asks(const std::string& variable) {
  std::array<char, asked.size() + 1> found{};
  std::ifstream file{variable, std::ios::binary};
  file.read(found.data(), found.size());
  return file.gcount() == asked.size() && std::ranges::equal(std::span{found}.first(asked.size()), asked);
}

}  // namespace

Result<> may_reset() {
  // First, for without a message bus nobody else can ask systemd.
  if (::geteuid() != 0) return fail("only root may return this box to its factory state");
  const auto state = output_of({"systemctl", "show", "--property=LoadState", "--value", unit}, patience);
  if (!state || state->said != "loaded\n")
    return fail(
        "this machine is no appliance, and has no factory state: 'cloisterctl zeroize' without --factory destroys "
        "the secrets");
  return {};
}

Result<> meant_for(const std::string& file, const std::string& public_key) {
  const auto text = crypto::read_text_file(public_key, crypto::public_key_text_bytes_max);
  if (!text) return fail(std::format("this box's public key {}", text.error().message));
  const auto key = crypto::parse_public_key(*text);
  if (!key) return fail(std::format("'{}' {}", public_key, key.error().message));
  auto named = crypto::read_text_file(file, crypto::public_key_text_bytes_max);
  if (!named) return std::unexpected{named.error()};
  while (named->ends_with('\n') || named->ends_with('\r')) named->pop_back();
  const auto own = crypto::fingerprint_of(key->get());
  if (*named != own.hex)
    return fail(std::format("'{}' is meant for another box: this one's fingerprint is {}", file, own.hex));
  return {};
}

Result<> ask_for_new_var(const std::string& variable) {
  const auto failed = [&](std::string_view what) {
    return fail(
        std::format("the firmware's variable '{}', by which the next start makes /var anew, {}: nothing was destroyed",
                    variable, what));
  };
  if (asks(variable)) return {};  // and the kernel would let nobody write it again
  const int file = ::open(variable.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, readable_by_all);
  if (file < 0) return failed(std::format("cannot be written ({})", std::system_category().message(errno)));
  // At once: efivarfs takes a write for the whole variable.
  const bool written = ::write(file, asked.data(), asked.size()) == static_cast<ssize_t>(asked.size());
  const int error = errno;
  ::close(file);
  if (!written) return failed(std::format("cannot be written ({})", std::system_category().message(error)));
  if (!asks(variable)) return failed("is not what was written");
  return {};
}

Result<> reset() {
  const auto started = output_of({"systemctl", "start", "--no-block", unit}, patience);
  if (!started) return std::unexpected{started.error()};
  if (started->status != 0) return fail(std::format("'{}' does not start: {}", unit, started->said));
  return {};
}

}  // namespace cloister::cloisterctl
