#pragma once
/// Every key of the configuration file with its meaning, for who reads and for man(1).

#include <string>

#include "config/setting.hpp"

namespace cloister::cloisterctl {

/// `settings` as config::all_settings() gives them.
[[nodiscard]] std::string config_reference_page(const config::Settings& settings);
[[nodiscard]] std::string config_man_page(const config::Settings& settings);

}  // namespace cloister::cloisterctl
