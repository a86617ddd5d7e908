#include "appliance/cloisterctl/config_reference.hpp"

#include <format>
#include <string_view>

#include "config/meanings.hpp"
#include "manual/roff.hpp"

namespace cloister::cloisterctl {
namespace {

using config::Default;
using config::Setting;
using config::Shape;

/// A setting's place without the index of a list's element: "links[].device" and "role".
struct Place {
  std::string section;
  std::string key;
};

Place place_of(const Setting& setting) {
  std::string path = setting.path;
  for (auto zero = path.find("[0]"); zero != std::string::npos; zero = path.find("[0]")) path.erase(zero + 1, 1);
  const auto dot = path.rfind('.');
  return {.section = path.substr(0, dot), .key = path.substr(dot + 1)};
}

/// "a role: expected 'alice' or 'bob'", for who has made no mistake.
std::string form_of(const Setting& setting) {
  std::string form = setting.form.expected;
  if (const auto expected = form.find(": expected "); expected != std::string::npos) form.erase(expected + 1, 9);
  return setting.list ? "a list of " + form : form;
}

std::string default_of(const Setting& setting) {
  if (setting.fallback == Default::none) return "required";
  if (setting.fallback == Default::derived || setting.values.empty()) return {};
  std::string text;
  for (const auto& value : setting.values) text += (text.empty() ? "" : ", ") + value;
  if (setting.list) text = "[" + text + "]";
  return text.empty() ? "default: none" : "default: " + text;
}

/// "Whether this box transmits or receives. (a role: 'alice' or 'bob'; required)"
std::string text_of(const Setting& setting) {
  const std::string fallback = default_of(setting);
  return std::format("{} ({}{}{})", config::meaning_of(setting.path), form_of(setting), fallback.empty() ? "" : "; ",
                     fallback);
}

/// Without the lists of sections, which their keys show.
config::Settings values_of(const config::Settings& settings) {
  config::Settings values;
  for (const auto& setting : settings) {
    if (setting.form.shape != Shape::section) values.push_back(setting);
  }
  return values;
}

}  // namespace

std::string config_reference_page(const config::Settings& settings) {
  std::string page =
      "# Configuration\n\n"
      "Every key of `/etc/cloister/cloister.yaml`. This page is made by `cloisterctl config reference`; the same is in "
      "the\n"
      "manual page cloister.yaml(5), and `cloisterctl config schema` prints it as a JSON Schema for editors.\n\n"
      "`links` and `tunnels` are lists; `links[]` stands for each of their elements. A key that is not known is an "
      "error.\n"
      "`cloisterctl config check FILE` says what is wrong in a file, `config show FILE` writes its defaults out.\n\n"
      "Files of the directory `conf.d` beside it whose names end in `.yaml` are read after it, in the order of their "
      "names'\n"
      "bytes: `/etc/cloister/conf.d/*.yaml` on a box. Each may add to `links` and `tunnels`, and give a section that "
      "no "
      "file\n"
      "before it gives; what stands in two files is an error. At most 64 files, 1 MiB of all together. Hidden files "
      "and\n"
      "others are passed over; `config check` says which. All that takes a FILE takes `conf.d` beside it too.\n";
  std::string section;
  for (const auto& setting : values_of(settings)) {
    const auto place = place_of(setting);
    if (place.section != section) page += std::format("\n## {}\n\n", place.section);
    section = place.section;
    page += std::format("- `{}`: {}\n", place.key, text_of(setting));
  }
  return page;
}

std::string config_man_page(const config::Settings& settings) {
  std::string page =
      manual::page_title("cloister.yaml", 5) + manual::heading("name") +
      manual::roff("cloister.yaml - configuration of a Cloister box") + "\n" + manual::heading("description") +
      manual::paragraphs(
          {"/etc/cloister/cloister.yaml says what a box is, which links it has and which tunnels spend their keys. "
           "'links' and 'tunnels' are lists; 'links[]' stands below for each of their elements. A key that is not "
           "known "
           "is an error.",
           "'cloisterctl config check' says what is wrong in a file, with line and column; 'config show' writes its "
           "defaults out; 'config diff' says what a change means.",
           "Files of the directory conf.d beside it whose names end in '.yaml' are read after it, in the order of "
           "their "
           "names' bytes. Each may add to 'links' and 'tunnels', and give a section that no file before it gives; what "
           "stands in two files is an error. At most 64 files, 1 MiB of all together. Hidden files and others are "
           "passed "
           "over; 'config check' says which. All that takes a file takes conf.d beside it too."}) +
      manual::heading("keys");
  std::string section;
  for (const auto& setting : values_of(settings)) {
    const auto place = place_of(setting);
    if (place.section != section) page += manual::subheading(place.section);
    section = place.section;
    page += manual::tagged(manual::bold(place.key), text_of(setting));
  }
  return page + manual::heading("files") +
         manual::tagged(manual::bold("/etc/cloister/conf.d"), "Files that add to /etc/cloister/cloister.yaml.") +
         manual::tagged(manual::bold("/usr/share/doc/cloister/examples"), "A pair of files that fits together.") +
         manual::heading("see also") + "cloisterctl(1),\ncloisterd(8)\n";
}

std::vector<ConfigKey> config_keys(const config::Settings& settings) {
  std::vector<ConfigKey> keys;
  for (const auto& setting : values_of(settings)) {
    const auto place = place_of(setting);
    keys.push_back({.key = place.section + "." + place.key,
                    .meaning = std::string{config::meaning_of(setting.path)},
                    .form = form_of(setting),
                    .list = setting.list,
                    .required = setting.fallback == Default::none,
                    .fallback = setting.fallback == Default::fixed ? setting.values : std::vector<std::string>{}});
  }
  return keys;
}

}  // namespace cloister::cloisterctl
