#include "config/read_bootstrap.hpp"

#include <algorithm>
#include <expected>
#include <format>
#include <string>
#include <utility>

#include "config/kinds.hpp"
#include "config/nearest.hpp"

namespace cloister::config {
namespace {

std::expected<Introducer, std::string> introducer_of(const std::string& name,
                                                     const std::vector<Introducer>& introducers) {
  const auto found = std::ranges::find(introducers, name, &Introducer::name);
  if (found != introducers.end()) return *found;
  std::vector<std::string> names;
  for (const auto& introducer : introducers) names.push_back(introducer.name);
  const auto meant = nearest(name, names);
  return std::unexpected{std::format(
      "'{}' is none of 'introducers': {}", shown(name),
      meant ? std::format("did you mean '{}'?", *meant) : "add it there, with the key that you have compared")};
}

std::expected<std::string, std::string> a_voucher(const std::string& text) {
  if (auto path = a_path().parse(text)) return *path;
  return std::unexpected{a_path().refuse(text)};
}

template <class List>
bool has_twins(List values) {
  std::ranges::sort(values);
  return std::ranges::adjacent_find(values) != values.end();
}

std::vector<std::string> names_of(const std::vector<Introducer>& introducers) {
  std::vector<std::string> names;
  for (const auto& introducer : introducers) names.push_back(introducer.name);
  return names;
}

/// `chosen`: the section is there; the schema, which is made without a file, then does not ask every file for this.
Vouched read_vouched(Section section, bool chosen, const Configuration& configuration, const std::string& peer) {
  Vouched vouched;
  const auto fallback = chosen ? Default::none : Default::derived;
  const bool known = section.read_list(
      "by", vouched.by, [&](const std::string& name) { return introducer_of(name, configuration.introducers); },
      [](const Introducer& introducer) { return introducer.name; },
      {.expected = "the name of one of 'introducers'", .pattern = a_name().pattern}, fallback);
  vouched.needed = vouched.by.size();
  section.read("needed", vouched.needed, a_whole<std::size_t>("a number of boxes: expected a whole number, 1 or more"),
               Default::derived);
  section.read_list("vouchers", vouched.vouchers, a_voucher, std::identity{},
                    {.expected = a_path().expected, .pattern = a_path().pattern}, fallback);
  const auto names = names_of(vouched.by);
  if (known && vouched.by.empty() && section.has("by")) section.error("by", "names nobody who could vouch");
  if (has_twins(names)) section.error("by", "names one box twice: each has one voice");
  if (std::ranges::contains(names, peer))
    section.error("by", std::format("names '{}', the peer itself: nobody vouches for his own key", peer));
  if (known && section.has("needed") && (vouched.needed == 0 || vouched.needed > vouched.by.size()))
    section.error("needed", std::format("{} boxes must vouch, and 'by' names {}: expected a number from 1 to that",
                                        vouched.needed, vouched.by.size()));
  else if (known && section.has("vouchers") && vouched.vouchers.size() < vouched.needed)
    section.error("vouchers", std::format("names {}, and {} boxes must vouch: expected a voucher of each",
                                          vouched.vouchers.size(), vouched.needed));
  if (has_twins(vouched.vouchers)) section.error("vouchers", "names one file twice: each box has one voice");
  section.finish();
  return vouched;
}

void check(Section& section, const Bootstrap& bootstrap, const Box& box) {
  if (!section.present()) return;
  std::vector<std::string> keys;
  for (const auto* const key : {"trust", "vouched", "ca"}) {
    if (section.has(key)) keys.emplace_back(key);
  }
  if (!section.has("psk") && keys.empty())
    section.error_here(
        "says nothing to bootstrap by: expected 'psk' (a sealed PSK), 'trust' (the fingerprint of the peer's key), "
        "'vouched' (boxes that vouch for it) or 'ca' (a certificate authority); 'psk' may stand beside one of the "
        "others");
  if (keys.size() > 1)
    section.error(keys[1],
                  std::format("stands beside '{}': is the peer's key known by its operator, by other boxes or by an "
                              "authority",
                              keys[0]));
  if (section.has("ca") != section.has("crl"))
    section.error(section.has("ca") ? "ca" : "crl", "'ca' and 'crl' (its revocation lists) need each other");
  for (const auto* const key : {"trust", "vouched"}) {
    if (section.has(key) && box.identity.empty())
      section.error(key, "needs a key of this box too: make one with 'cloisterctl enroll', and set 'box.identity'");
  }
  if (!bootstrap.ca.empty() && (box.identity.empty() || box.certificate.empty()))
    section.error("ca",
                  "needs a key of this box with a certificate: 'cloisterctl enroll --csr' asks for one; set "
                  "'box.identity' and 'box.certificate'");
}

}  // namespace

std::vector<Introducer> read_introducers(std::vector<Section> sections, const Box& box) {
  std::vector<Introducer> introducers;
  for (Section& section : sections) {
    Introducer introducer;
    section.read("name", introducer.name, a_name(), Default::none);
    section.read("key", introducer.key, a_fingerprint(), Default::none);
    if (!introducer.name.empty() && introducer.name == box.name)
      section.error("name", "is this box: for whom its operator has compared, 'bootstrap.trust' says it");
    for (const auto& other : introducers) {
      if (!introducer.name.empty() && other.name == introducer.name)
        section.error("name", std::format("an introducer named '{}' stands here already", introducer.name));
      if (!introducer.key.empty() && other.key == introducer.key)
        section.error("key", std::format("is the key of '{}': one key under two names has one voice", other.name));
    }
    section.finish();
    introducers.push_back(std::move(introducer));
  }
  return introducers;
}

Bootstrap read_bootstrap(Section section, const Configuration& configuration, const std::string& peer) {
  Bootstrap bootstrap;
  section.read_optional("psk", bootstrap.psk, a_sealed_psk());
  section.read_optional("trust", bootstrap.trust, a_fingerprint());
  const bool vouched = section.has("vouched");
  if (Section inner = section.section("vouched", false); inner.present())
    bootstrap.vouched = read_vouched(std::move(inner), vouched, configuration, peer);
  section.read_optional("ca", bootstrap.ca, a_path());
  section.read_optional("crl", bootstrap.crl, a_path());
  section.read("again", bootstrap.again,
               one_of<BootstrapAgain>(
                   {{"automatic", BootstrapAgain::automatic}, {"operator", BootstrapAgain::by_operator}},
                   "a policy: expected 'automatic' (the boxes do it by themselves) or 'operator' (when he allows it)"));
  check(section, bootstrap, configuration.box);
  section.finish();
  return bootstrap;
}

}  // namespace cloister::config
