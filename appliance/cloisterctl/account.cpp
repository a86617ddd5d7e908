#include "appliance/cloisterctl/account.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstddef>
#include <format>
#include <iostream>
#include <memory>
#include <string_view>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/distill/account_json.hpp"
#include "appliance/distill/secret_length.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

/// An account has some hundred bytes.
constexpr std::size_t account_bytes_max = std::size_t{64} * 1024;
constexpr std::string_view white_space = " \t\r\n";

/// One JSON value after the other out of a stream of bytes, each bounded.
class Accounts {
 public:
  explicit Accounts(std::ostream& out) : out_{out} {}

  Result<> take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (size_ == 0) bytes.remove_prefix(std::min(bytes.find_first_not_of(white_space), bytes.size()));
      if (bytes.empty()) break;
      boost::system::error_code error;
      const std::size_t used = parser_.write_some(bytes.data(), bytes.size(), error);
      size_ += used;
      bytes.remove_prefix(used);
      if (error) return refuse("is not JSON: " + error.message());
      if (size_ > account_bytes_max) return refuse(std::format("is longer than {} bytes", account_bytes_max));
      if (!parser_.done()) continue;
      if (auto done = recompute(); !done) return done;
    }
    return {};
  }
  Result<> finish() {
    if (size_ > 0) {
      boost::system::error_code error;
      parser_.finish(error);
      if (error) return refuse("ends too early");
      if (auto done = recompute(); !done) return done;
    }
    if (number_ == 1) return fail("no account on standard input: expected a JSON object (see docs/security.md)");
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> refuse(const std::string& why) const {
    return fail(std::format("account {}: {}", number_, why));
  }
  Result<> recompute() {
    const auto seen = distill::read_observation(parser_.release());
    if (!seen) return refuse(seen.error().message);
    out_ << distill::to_json(distill::secret_length(*seen)) << '\n';
    parser_.reset();
    size_ = 0;
    ++number_;
    return {};
  }

  std::ostream& out_;
  /// The default reading of numbers may be off in the last digit.
  json::stream_parser parser_{{}, {.numbers = json::number_precision::precise}};
  std::size_t size_ = 0;    // of the account that is being read
  std::size_t number_ = 1;  // its number
};

}  // namespace

Result<> recompute_accounts(std::istream& in, std::ostream& out) {
  Accounts accounts{out};
  std::array<char, 4096> buffer{};
  while (in) {
    in.read(buffer.data(), buffer.size());
    const auto taken = accounts.take({buffer.data(), static_cast<std::size_t>(in.gcount())});
    if (!taken) return taken;
  }
  return accounts.finish();
}

void offer_account(CLI::App& app, Invocation& invocation) {
  const auto json = std::make_shared<bool>(false);
  auto* account = app.add_subcommand(
      "account",
      "Recompute the secret length of blocks: accounts as JSON on standard input, bounds on standard output");
  account->add_flag("--json", *json, "Changes nothing: bounds are JSON");
  invocation.on(account, [json] { return ended(recompute_accounts(std::cin, std::cout)); });
}

}  // namespace cloister::cloisterctl
