#pragma once
/// The one of a list that has a name, or what to say where there is none.

#include <algorithm>
#include <expected>
#include <format>
#include <string>
#include <vector>

#include "config/nearest.hpp"

namespace cloister::cloisterctl {

/// `what`: "link".
template <class Named>
[[nodiscard]] std::expected<Named, std::string> one_of(const std::vector<Named>& all, const std::string& name,
                                                       const char* what) {
  if (const auto found = std::ranges::find(all, name, &Named::name); found != all.end()) return *found;
  std::vector<std::string> names;
  std::string list;
  for (const auto& one : all) {
    names.push_back(one.name);
    list += (list.empty() ? "" : ", ") + one.name;
  }
  const auto meant = config::nearest(name, names);
  const auto there = list.empty() ? std::string{"this box has none"} : "there are: " + list;
  return std::unexpected{
      std::format("there is no {} '{}'{}", what, name, meant ? ": did you mean '" + *meant + "'?" : "; " + there)};
}

}  // namespace cloister::cloisterctl
