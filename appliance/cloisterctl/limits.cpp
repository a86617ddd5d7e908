#include "appliance/cloisterctl/limits.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <sstream>

#include "appliance/cloisterctl/print_json.hpp"

namespace cloister::cloisterctl {
namespace {

constexpr std::string_view not_defended =
#include "appliance/cloisterctl/not_defended.literal"
    ;

/// "[text](address)" is "text", and "**text**" too.
std::string without_marks(std::string_view line) {
  std::string text;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const auto rest = line.substr(at);
    if (rest.starts_with("**")) {
      ++at;
    } else if (rest.starts_with("](")) {
      at += std::min(rest.find(')'), rest.size() - 1);
    } else if (line[at] != '[') {
      text += line[at];
    }
  }
  return text;
}

}  // namespace

std::vector<std::string> points_of(std::string_view markdown) {
  std::vector<std::string> points;
  std::istringstream in{std::string{markdown}};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("- "))
      points.push_back(line.substr(2));
    else if (!points.empty() && line.starts_with("  "))
      points.back() += line.substr(1);
  }
  for (auto& point : points) point = without_marks(point);
  return points;
}

namespace {

int print_limits(bool json) {
  const auto points = points_of(not_defended);
  if (json) {
    print_json(points);
    return 0;
  }
  std::cout << "Not defended, or not known:\n";
  for (const auto& point : points) std::cout << "- " << point << '\n';
  return 0;
}

}  // namespace

void offer_limits(CLI::App& app, Invocation& invocation) {
  const auto json = std::make_shared<bool>(false);
  auto* limits = app.add_subcommand("limits", "Say what the box does not defend against; works without the service");
  limits->add_flag("--json", *json, "For programs");
  invocation.on(limits, [json] { return print_limits(*json); });
}

}  // namespace cloister::cloisterctl
