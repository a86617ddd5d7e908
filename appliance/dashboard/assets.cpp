#include "appliance/dashboard/assets.hpp"

#include <algorithm>
#include <array>

namespace cloister::dashboard {
namespace {

constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view css = "text/css; charset=utf-8";
constexpr std::string_view script = "text/javascript; charset=utf-8";
constexpr std::string_view svg = "image/svg+xml";

// clang-format off
constexpr auto assets = std::to_array<Asset>({
    {"/", html,
#include "page.html.literal"
    },
    {"/page.css", css,
#include "page.css.literal"
    },
    {"/page.js", script,
#include "page.js.literal"
    },
    {"/format.js", script,
#include "format.js.literal"
    },
    {"/picture.js", script,
#include "picture.js.literal"
    },
    {"/plot.js", script,
#include "plot.js.literal"
    },
    {"/icon.svg", svg,
#include "icon.svg.literal"
    },
});
// clang-format on

}  // namespace

const Asset* find_asset(std::string_view path) {
  const auto* found = std::ranges::find(assets, path, &Asset::path);
  return found == assets.end() ? nullptr : found;
}

}  // namespace cloister::dashboard
