#include "appliance/cloisterctl/factory_reset.hpp"

#include <unistd.h>

#include <chrono>
#include <format>

#include "appliance/cloisterctl/program_output.hpp"
#include "crypto/public_key.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

constexpr const char* unit = "cloister-factory-reset.service";
constexpr std::chrono::seconds patience{30};

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

Result<> reset() {
  const auto started = output_of({"systemctl", "start", "--no-block", unit}, patience);
  if (!started) return std::unexpected{started.error()};
  if (started->status != 0) return fail(std::format("'{}' does not start: {}", unit, started->said));
  return {};
}

}  // namespace cloister::cloisterctl
