#include "appliance/cloisterctl/voucher.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstddef>
#include <format>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/tpm_options.hpp"
#include "config/kinds.hpp"
#include "crypto/tpm_file.hpp"
#include "crypto/voucher_files.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct VoucherOptions {
  TpmOptions tpm;
  std::string identity = "/var/lib/cloister/identity";  // path of this box's key
  std::string as;                                       // this box's name
  std::string box;                                      // whose key it is about
  std::string fingerprint;                              // of that key
  std::string role = "*";                               // as what it is vouched for: "alice", "bob"; *: whichever
  std::string link = "*";                               // for which link; *: any
  std::string until;                                    // the last day on which it counts; empty: a year from today
  std::vector<std::string> files;                       // vouchers
  std::vector<std::string> by;                          // NAME=FINGERPRINT of whose word is taken
  std::size_t at_least = 0;                             // so many of them; 0: all
  bool json = false;                                    // for programs
};

Result<> is_name(const std::string& text) {
  if (config::a_name().parse(text)) return {};
  return fail(std::format("'{}' is not {}", text, config::a_name().expected));
}

Result<crypto::Fingerprint> fingerprint_in(const std::string& text) {
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos)
    return crypto::Fingerprint{text};
  return fail(std::format(
      "'{}' is no fingerprint: expected 64 hexadecimal digits, as 'cloisterctl fingerprint' shows them", text));
}

Result<crypto::Believed> believed_in(const std::string& text) {
  const auto sign = text.find('=');
  if (sign == std::string::npos) return fail(std::format("'{}' is not NAME=FINGERPRINT, as --by expects", text));
  const auto key = fingerprint_in(text.substr(sign + 1));
  if (!key) return std::unexpected{key.error()};
  return crypto::Believed{text.substr(0, sign), *key};
}

Result<> is_role(const std::string& text) {
  if (crypto::is_voucher_role(text)) return {};
  return fail(std::format("'{}' is not a role: expected 'alice' (the transmitter) or 'bob' (the receiver)", text));
}

/// An end there must be: who vouches for ever is never asked again whether it is still so.
Result<crypto::Day> last_day(const std::string& text) {
  constexpr std::chrono::days usual{365};
  constexpr std::chrono::days longest{3650};
  if (text.empty()) return crypto::today() + usual;
  const auto day = crypto::parse_day(text);
  if (!day || *day < crypto::today() || *day > crypto::today() + longest)
    return fail(std::format("'{}' is not the last day of a voucher: expected one as {}, from today to {}", text,
                            crypto::to_string(crypto::today() + usual), crypto::to_string(crypto::today() + longest)));
  return *day;
}

/// Of what both commands are told.
Result<> check_words(const VoucherOptions& options) {
  if (auto named = is_name(options.box); !named) return named;
  if (options.link != "*") {
    if (auto named = is_name(options.link); !named) return named;
  }
  return is_role(options.role);
}

/// The TPM is let go before its key signs, which opens it anew.
Result<crypto::Identity> own_identity(const VoucherOptions& options) {
  auto tpm = options.tpm.open();
  if (!tpm) return std::unexpected{tpm.error()};
  return crypto::unseal_identity(*tpm, options.identity);
}

/// Shows a voucher, a text, on standard output.
Result<> voucher_make(const VoucherOptions& options) {
  if (auto right = check_words(options); !right) return right;
  if (auto named = is_name(options.as); !named) return named;
  const auto until = last_day(options.until);
  if (!until) return std::unexpected{until.error()};
  const auto key = fingerprint_in(options.fingerprint);
  if (!key) return std::unexpected{key.error()};
  const auto own = own_identity(options);
  if (!own) return std::unexpected{own.error()};
  if (options.as == options.box || own->fingerprint() == *key)
    return fail("a box vouches for others, not for itself: the fingerprint is of the other box's key");
  const crypto::Voucher said{.box = options.box,
                             .role = options.role,
                             .link = options.link,
                             .key = *key,
                             .by = options.as,
                             .date = crypto::today(),
                             .until = *until,
                             .by_key = own->fingerprint()};
  const auto text = crypto::make_voucher(*own, said);
  if (!text) return std::unexpected{text.error()};
  if (options.json)
    std::cout << json::serialize(json::object{{"box", said.box},
                                              {"fingerprint", said.key.hex},
                                              {"by", said.by},
                                              {"date", crypto::to_string(said.date)},
                                              {"until", crypto::to_string(said.until)},
                                              {"voucher", *text}})
              << '\n';
  else
    std::cout << *text;
  return {};
}

/// Shows the fingerprint that enough of those believed vouch for.
Result<> voucher_check(const VoucherOptions& options) {
  if (auto right = check_words(options); !right) return right;
  std::vector<crypto::Believed> believed;
  for (const auto& text : options.by) {
    auto one = believed_in(text);
    if (!one) return std::unexpected{one.error()};
    believed.push_back(std::move(*one));
  }
  const std::size_t at_least = options.at_least != 0 ? options.at_least : believed.size();
  const auto vouched =
      crypto::vouched_by_files({options.box, options.role, options.link}, options.files, believed, at_least);
  if (!vouched) return fail(vouched.error().why);
  const auto trusted = vouched->counting_on(crypto::today());
  if (!trusted) return std::unexpected{trusted.error()};
  if (options.json) {
    json::array by;
    for (const auto& voucher : trusted->vouched_by)
      by.push_back(json::object{
          {"box", voucher.by}, {"date", crypto::to_string(voucher.date)}, {"until", crypto::to_string(voucher.until)}});
    std::cout << json::serialize(
                     json::object{{"box", options.box}, {"fingerprint", trusted->key.hex}, {"vouched_by", by}})
              << '\n';
    return {};
  }
  for (const auto& voucher : trusted->vouched_by)
    std::cerr << std::format("vouched for by box '{}' on {}, until {}\n", voucher.by, crypto::to_string(voucher.date),
                             crypto::to_string(voucher.until));
  std::cout << trusted->key.hex << '\n';
  return {};
}

}  // namespace

void offer_voucher(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<VoucherOptions>();
  auto* voucher = app.add_subcommand(
      "voucher",
      "Vouch for the key of another box, or learn a key that other boxes vouch for; works without the service");
  voucher->require_subcommand(1);
  auto* make = voucher->add_subcommand(
      "make", "Say, signed with this box's key, that a box has the key which you have compared; to standard output");
  auto* check = voucher->add_subcommand("check", "Show the fingerprint of a box's key that enough boxes vouch for");
  for (auto* command : {make, check}) {
    command->add_option("box", options->box, "Name of the box whose key it is")->required();
    command->add_option("--role", options->role,
                        "What its device is there, 'alice' or 'bob'; without it a voucher is for whichever");
    command->add_option("--link", options->link, "For this link alone; without it a voucher is for any");
    command->add_flag("--json", options->json, "For programs");
  }
  make->add_option("fingerprint", options->fingerprint, "Of its key, as you have compared it")->required();
  make->add_option("--until", options->until,
                   "The last day on which it counts, by UTC, as 2027-11-26 (default: a year from today)");
  make->add_option("--as", options->as, "This box's name")->required();
  options->tpm.offer(make);
  make->add_option("--identity", options->identity, "File of this box's key, as 'box.identity' names it")
      ->capture_default_str();
  check->add_option("file", options->files, "Vouchers, as 'voucher make' has written them")->required();
  check
      ->add_option("--by", options->by,
                   "NAME=FINGERPRINT of a box whose word you take, and whose key you have compared; again for each")
      ->required()
      ->allow_extra_args(false);
  check->add_option("--at-least", options->at_least, "So many of them must vouch (default: all)");
  invocation.on_with_secrets(make, [options] { return ended(voucher_make(*options)); });
  invocation.on(check, [options] { return ended(voucher_check(*options)); });
}

}  // namespace cloister::cloisterctl
