#include "appliance/cloisterctl/update.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <format>
#include <iostream>
#include <memory>
#include <string>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/program_output.hpp"
#include "appliance/cloisterctl/sysupdate.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct UpdateOptions {
  std::string source;
  bool restart = false;
  bool json = false;
};

struct Versions {
  std::string running;
  std::optional<std::string> newer;
};

Result<Versions> versions(const ImageUpdate& update) {
  auto running = running_version();
  if (!running) return std::unexpected{running.error()};
  auto newer = update.newer();
  if (!newer) return std::unexpected{newer.error()};
  // Where an install was cut, or somebody has taken a kernel image away, systemd-sysupdate offers an older one.
  if (*newer && !is_later(**newer, *running)) newer->reset();
  return Versions{.running = std::move(*running), .newer = std::move(*newer)};
}

Result<> update_check(const UpdateOptions& options) {
  const auto update = ImageUpdate::from(options.source);
  if (!update) return std::unexpected{update.error()};
  const auto found = versions(*update);
  if (!found) return std::unexpected{found.error()};
  if (options.json)
    std::cout << json::serialize(json::object{{"running", found->running},
                                              {"available", found->newer ? json::value(*found->newer) : json::value{}}})
              << '\n';
  else if (found->newer)
    std::cout << std::format("{} is available; {} runs\n", *found->newer, found->running);
  else
    std::cout << std::format("nothing is newer than what is installed; {} runs\n", found->running);
  return {};
}

/// On a terminal one line that changes, elsewhere a line for each tenth.
class ProgressLine {
 public:
  void operator()(unsigned percent) {
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    if (percent < shown_ + (terminal ? 1 : 10)) return;
    shown_ = percent;
    std::cerr << (terminal ? "\r" : "") << std::format("{:3} %", percent) << (terminal && percent < 100 ? "" : "\n")
              << std::flush;
  }

 private:
  unsigned shown_ = 0;
};

Result<> restart() {
  const auto asked = output_of({"systemctl", "--no-block", "reboot"}, std::chrono::seconds{30});
  if (!asked) return std::unexpected{asked.error()};
  if (asked->status != 0) return fail(std::format("installed, but the box does not start anew: {}", asked->said));
  return {};
}

Result<> update_install(const UpdateOptions& options) {
  const auto update = ImageUpdate::from(options.source);
  if (!update) return std::unexpected{update.error()};
  const auto found = versions(*update);
  if (!found) return std::unexpected{found.error()};
  if (!found->newer) {
    if (options.json)
      std::cout << json::serialize(json::object{{"running", found->running}, {"installed", json::value{}}}) << '\n';
    std::cerr << std::format(
        "'{}' has nothing newer than what is installed ({} runs): older versions are not taken, nor one that has "
        "failed\n",
        options.source, found->running);
    return {};
  }
  if (auto may = may_replace_other(); !may) return may;
  std::cerr << std::format("{}: from {} to {}\n", options.source, found->running, *found->newer);
  ProgressLine line;
  if (auto installed = update->install(*found->newer, [&](unsigned percent) { line(percent); }); !installed)
    return installed;
  if (options.json)
    std::cout << json::serialize(json::object{{"running", found->running}, {"installed", *found->newer}}) << '\n';
  else
    std::cout << std::format("{} is installed beside {}, and starts next\n", *found->newer, found->running);
  std::cout.flush();  // a restart ends this process too
  return options.restart ? restart() : Result<>{};
}

}  // namespace

void offer_update(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<UpdateOptions>();
  auto* update = app.add_subcommand(
      "update", "On an appliance, as root: a newer version of its image, from a directory or an https URL");
  update->require_subcommand(1);
  auto* check = update->add_subcommand("check", "Say whether there is a newer version, by the signed manifest");
  auto* install = update->add_subcommand(
      "install",
      "Put the newest version in the other slot; it starts next, and is fallen back from where it is not healthy");
  for (auto* command : {check, install}) {
    command
        ->add_option("source", options->source,
                     "A directory, absolute, or an https URL, with SHA256SUMS and its signature")
        ->required();
    command->add_flag("--json", options->json, "For programs");
  }
  install->add_flag("--restart", options->restart, "Then start the box anew");
  invocation.on(check, [options] { return ended(update_check(*options)); });
  invocation.on(install, [options] { return ended(update_install(*options)); });
}

}  // namespace cloister::cloisterctl
