#pragma once
/// The page's files, in the program itself: nothing is read from disk, nothing comes from elsewhere.

#include <string_view>

namespace cloister::dashboard {

struct Asset {
  std::string_view path;
  std::string_view content_type;
  std::string_view content;
};

/// Null where the page has no such file.
[[nodiscard]] const Asset* find_asset(std::string_view path);

}  // namespace cloister::dashboard
