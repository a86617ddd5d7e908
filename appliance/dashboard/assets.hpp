#pragma once
/// The page's files, in the program itself, one made from the list of events: nothing is read from disk, nothing comes from
/// elsewhere.

#include <string>
#include <string_view>

namespace cloister::dashboard {

struct Asset {
  std::string_view path;
  std::string_view content_type;
  std::string_view content;
};

/// Null where the page has no such file.
[[nodiscard]] const Asset* find_asset(std::string_view path);

/// The page that asks for the token, with what it is to say first (text for HTML as it stands).
[[nodiscard]] std::string login_page(std::string_view said);

}  // namespace cloister::dashboard
