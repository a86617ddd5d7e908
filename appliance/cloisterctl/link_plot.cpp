#include "appliance/cloisterctl/link_plot.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <functional>
#include <string_view>

namespace cloister::cloisterctl {
namespace {

constexpr double width = 720;
constexpr double height = 440;
constexpr double left = 80;
constexpr double right = 20;
constexpr double top = 50;
constexpr double bottom = 50;
constexpr int decades_max = 9;
constexpr double lines_max = 12;  // across the distance

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

/// Where a distance and a rate are on the page.
class Page {
 public:
  explicit Page(const LinkReport& report) {
    double most = 1;
    for (const auto& point : report.distance) {
      km_max_ = std::max(km_max_, point.length_km);
      most = std::max(most, point.endless_bits_per_second);
    }
    km_max_ = std::max(km_max_, report.here.length_km);
    top_decade_ = static_cast<int>(std::ceil(std::log10(most)));
    bottom_decade_ = std::max(0, top_decade_ - decades_max);
    top_decade_ = std::max(top_decade_, bottom_decade_ + 1);
  }
  [[nodiscard]] double x(double km) const { return left + (width - left - right) * km / km_max_; }
  [[nodiscard]] double y(double rate) const {
    const double part = (std::log10(rate) - bottom_decade_) / (top_decade_ - bottom_decade_);
    return height - bottom - (height - top - bottom) * part;
  }
  [[nodiscard]] bool shows(double rate) const { return rate >= std::pow(10, bottom_decade_); }

  [[nodiscard]] std::string grid() const {
    std::string out;
    for (int decade = bottom_decade_; decade <= top_decade_; ++decade) {
      const double at = y(std::pow(10, decade));
      out += std::format(
          R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="#ddd"/><text x="{:.1f}" y="{:.1f}" text-anchor="end">1e{}</text>)",
          left, at, width - right, left - 6, at + 4, decade);
      out += '\n';
    }
    // Every 1, 2 or 5 times a power of ten, whichever gives few enough lines.
    double step = std::pow(10, std::floor(std::log10(km_max_ / lines_max)));
    for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
      if (km_max_ / (step * factor) > lines_max) continue;
      step *= factor;
      break;
    }
    const int lines = static_cast<int>(std::floor(km_max_ / step * (1 + 1e-9)));
    for (int line = 0; line <= lines; ++line) {
      const double km = line * step;
      out += std::format(
          R"(<path d="M{0:.1f} {1:.1f}V{2:.1f}" stroke="#ddd"/><text x="{0:.1f}" y="{3:.1f}" text-anchor="middle">{4:g}</text>)",
          x(km), top, height - bottom, height - bottom + 18, km);
      out += '\n';
    }
    return out;
  }

 private:
  double km_max_ = 1;
  int bottom_decade_ = 0;
  int top_decade_ = 1;
};

std::string curve(const LinkReport& report, const Page& page, std::string_view style,
                  const std::function<double(const PlannedPoint&)>& rate) {
  std::string path;
  for (const auto& point : report.distance) {
    if (!page.shows(rate(point))) break;
    path += std::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", page.x(point.length_km), page.y(rate(point)));
  }
  return path.empty() ? path : std::format("<path d=\"{}\" fill=\"none\" {}/>\n", path, style);
}

}  // namespace

std::string plot_of(const LinkReport& report) {
  const Page page{report};
  const auto finite = [](const PlannedPoint& point) { return point.plan.secret_bits_per_second; };
  const auto endless = [](const PlannedPoint& point) { return point.endless_bits_per_second; };
  std::string out = std::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:g} {1:g}" width="{0:g}" height="{1:g}" font-family="sans-serif" font-size="12">
<rect width="{0:g}" height="{1:g}" fill="#fff"/>
<text x="{2:g}" y="24" font-size="15">{3}</text>
)",
      width, height, left, escaped(report.model.title));
  out += page.grid();
  out += curve(report, page, R"(stroke="#999" stroke-width="1.5" stroke-dasharray="6 4")", endless);
  out += curve(report, page, R"(stroke="#06c" stroke-width="2")", finite);
  if (page.shows(finite(report.here)))
    out += std::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"#06c\"/>\n", page.x(report.here.length_km),
                       page.y(finite(report.here)));
  out += std::format(R"svg(<text x="{:g}" y="{:g}" text-anchor="middle">km</text>
<text x="18" y="{:g}" text-anchor="middle" transform="rotate(-90 18 {:g})">secret key, bit/s</text>
<text x="{:g}" y="{:g}" text-anchor="end" fill="#06c">blocks of {:g} bits</text>
<text x="{:g}" y="{:g}" text-anchor="end" fill="#777">blocks without end</text>
</svg>
)svg",
                     width / 2, height - 10, height / 2, height / 2, width - right - 8, top + 18,
                     static_cast<double>(report.model.distillation.block_bits), width - right - 8, top + 36);
  return out;
}

}  // namespace cloister::cloisterctl
