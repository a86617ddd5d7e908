#pragma once
/// Every key of the configuration file with its meaning, for who reads and for man(1).

#include <boost/describe/class.hpp>
#include <string>
#include <vector>

#include "config/setting.hpp"

namespace cloister::cloisterctl {

struct ConfigKey {
  std::string key;  // "links[].device.role"
  std::string meaning;
  std::string form;  // of its value, or of each where it is a list
  bool list = false;
  bool required = false;
  std::vector<std::string> fallback;  // as the file would say it; empty where other settings say it, or nothing does
};
BOOST_DESCRIBE_STRUCT(ConfigKey, (), (key, meaning, form, list, required, fallback))

/// `settings` as config::all_settings() gives them.
[[nodiscard]] std::string config_reference_page(const config::Settings& settings);
[[nodiscard]] std::string config_man_page(const config::Settings& settings);
[[nodiscard]] std::vector<ConfigKey> config_keys(const config::Settings& settings);

}  // namespace cloister::cloisterctl
