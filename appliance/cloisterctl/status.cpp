#include "appliance/cloisterctl/status.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "appliance/cloisterctl/colours.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/status_view.hpp"
#include "appliance/control/client.hpp"
#include "appliance/control/protocol.hpp"

namespace cloister::cloisterctl {
namespace {

struct StatusOptions {
  double interval_seconds = 1;
  unsigned count = 0;  // looks; 0: without end
  bool json = false;
};

int show_status(const std::string& socket, bool json) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  std::cout << (json ? control::pretty_json(*status) : render(*status, colours_wanted()));
  return 0;
}

volatile std::sig_atomic_t interrupted = 0;

/// On a terminal one page that is redrawn; elsewhere the status again and again (one JSON object a line with --json).
int watch_status(const std::string& socket, const StatusOptions& options) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  for (unsigned shown = 0; interrupted == 0 && (options.count == 0 || shown < options.count); ++shown) {
    if (shown > 0) std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_seconds));
    const auto status = control::fetch_status(socket);
    const bool may_come = status || status.error().kind != control::Failure::Kind::right_lacking;
    if (!may_come || (!status && !terminal)) return failed(status.error());
    if (terminal) std::cout << "\x1b[H\x1b[2J";
    if (!status)
      std::cout << status.error().message << '\n';
    else if (options.json)
      std::cout << control::json_line(*status);
    else
      std::cout << render(*status, colours_wanted()) << '\n';
    std::cout << std::flush;
  }
  return 0;
}

}  // namespace

void offer_status(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<StatusOptions>();
  auto* status = app.add_subcommand("status", "Show the box: links, keys, tunnels, events");
  status->add_flag("--json", options->json, "For programs: the status as one JSON object");
  invocation.on(status, [&invocation, options] { return show_status(invocation.socket, options->json); });

  auto* watch = app.add_subcommand("watch", "Show the status again and again, until Ctrl-C");
  watch->add_option("--interval", options->interval_seconds, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  watch->add_option("--count", options->count, "Stop after so many looks (0: never)")->capture_default_str();
  watch->add_flag("--json", options->json, "One JSON object a line");
  invocation.on(watch, [&invocation, options] { return watch_status(invocation.socket, *options); });
}

}  // namespace cloister::cloisterctl
