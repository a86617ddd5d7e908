#include "appliance/dashboard/assets.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <format>

#include "appliance/control/event_kinds.hpp"

namespace cloister::dashboard {
namespace {

constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view css = "text/css; charset=utf-8";
constexpr std::string_view script = "text/javascript; charset=utf-8";
constexpr std::string_view svg = "image/svg+xml";

// clang-format off
constexpr auto assets = std::to_array<Asset>({
    {"/", html,
#include "appliance/dashboard/page/page.html.literal"
    },
    {"/page.css", css,
#include "appliance/dashboard/page/page.css.literal"
    },
    {"/page.js", script,
#include "appliance/dashboard/page/page.js.literal"
    },
    {"/format.js", script,
#include "appliance/dashboard/page/format.js.literal"
    },
    {"/picture.js", script,
#include "appliance/dashboard/page/picture.js.literal"
    },
    {"/plot.js", script,
#include "appliance/dashboard/page/plot.js.literal"
    },
    {"/icon.svg", svg,
#include "appliance/dashboard/page/icon.svg.literal"
    },
});

constexpr std::string_view login =
#include "appliance/dashboard/page/login.html.literal"
    ;
// clang-format on

/// The list of events, so that the page can say what an alarm means and what to do. JSON is JavaScript.
const Asset& event_kinds_asset() {
  static const std::string text = [] {
    boost::json::object kinds;
    for (const auto& kind : control::event_kinds())
      if (kind.alarm) kinds[kind.code] = {{"meaning", kind.meaning}, {"remedy", kind.remedy}};
    return std::format("export default {};\n", boost::json::serialize(kinds));
  }();
  static const Asset asset{"/kinds.js", script, text};
  return asset;
}

}  // namespace

const Asset* find_asset(std::string_view path) {
  if (path == event_kinds_asset().path) return &event_kinds_asset();
  const auto* found = std::ranges::find(assets, path, &Asset::path);
  return found == assets.end() ? nullptr : found;
}

std::string login_page(std::string_view said) {
  constexpr std::string_view place = "{said}";
  std::string page{login};
  return page.replace(page.find(place), place.size(), said);
}

}  // namespace cloister::dashboard
