/// cloisterd: the service.
///
/// Exit status: 0 stopped by a signal; 1 it could not start (the reason is on standard error); 2 the command line is wrong.

#include <malloc.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <format>
#include <functional>
#include <iostream>
#include <optional>

#include "appliance/box/audit_log.hpp"
#include "appliance/box/box.hpp"
#include "appliance/box/closed_box.hpp"
#include "appliance/box/configured.hpp"
#include "appliance/box/secret_memory.hpp"
#include "appliance/box/self_test.hpp"
#include "appliance/box/watchdog.hpp"
#include "crypto/crash.hpp"
#include "crypto/library_memory.hpp"
#include "crypto/secret.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

using cloister::box::Box;
using cloister::box::ClosedBox;
using cloister::box::ClosedBy;
using cloister::box::EventLog;
using cloister::box::Watchdog;

int failed(const std::string& message) {
  std::cerr << "cloisterd: " << message << '\n';
  return 1;
}

/// Reserves the arena. Secrets that may be swapped to a disk are no secrets: where they cannot all be locked, the service
/// does not start, unless it was told that it may.
cloister::Result<> lock_secrets(const cloister::config::Configuration& configuration, bool unlocked) {
  const auto lockable = cloister::crypto::lockable_bytes();
  const auto too_little = cloister::box::too_little_for(configuration, lockable);
  if (too_little && !unlocked) return cloister::fail(*too_little);
  const auto bytes = cloister::box::secret_bytes_reserved(configuration, lockable);
  if (cloister::crypto::arena_initialise(bytes) == cloister::crypto::ArenaKind::unlocked && !unlocked)
    return cloister::fail(
        std::format("the kernel does not lock {} MiB for its secrets: has this machine or control "
                    "group so much memory",
                    bytes / cloister::box::mebibyte));
  return {};
}

/// Distillation needs the same large buffers for each frame and block: the allocator keeps them, for the kernel takes
/// longer to find pages than the work on them takes.
void keep_buffers() {
  constexpr int bytes = 256 << 20;
  ::mallopt(M_MMAP_THRESHOLD, bytes);
  ::mallopt(M_TRIM_THRESHOLD, bytes);
}

/// Calls `reload` at each SIGHUP.
void await_reloads(boost::asio::signal_set& hangups, const std::function<void()>& reload) {
  hangups.async_wait([&hangups, reload](boost::system::error_code error, int) {
    if (error) return;
    reload();
    await_reloads(hangups, reload);
  });
}

/// Until a signal, or until somebody stops the context.
void run(boost::asio::io_context& io, const std::function<void()>& reload) {
  boost::asio::signal_set signals{io, SIGINT, SIGTERM};
  signals.async_wait([&io](boost::system::error_code, int) { io.stop(); });
  boost::asio::signal_set hangups{io, SIGHUP};
  await_reloads(hangups, reload);
  const Watchdog watchdog{io};
  io.run();
}

const char* closed_text(ClosedBy by) {
  switch (by) {
    case ClosedBy::zeroize:
      return "READY=1\nSTATUS=zeroized: all secrets are destroyed, nothing passes";
    case ClosedBy::self_test:
      return "READY=1\nSTATUS=closed: a self-test failed, nothing passes";
    case ClosedBy::no_secrets:
      return "READY=1\nSTATUS=closed: the box's secrets did not open, nothing passes";
  }
  return "";
}

/// A box that has destroyed its secrets, has none, or does not trust itself, stays, closed, until it is told to stop.
int stay_closed(const cloister::config::Configuration& configuration, EventLog& log, ClosedBy by) {
  boost::asio::io_context io{1};
  const auto box = ClosedBox::open(io, configuration, log, by);
  if (!box) return failed(box.error().message);
  ::sd_notify(0, closed_text(by));
  run(io, [] {});
  ::sd_notify(0, "STOPPING=1");
  log.info("STOPPED", std::format("box '{}'", configuration.box.name), "told to stop");
  return 0;
}

/// How a box that was open has ended.
enum class End { not_opened, no_secrets, stopped, zeroize, self_test, outlived };

/// One life of the box: until it ends, all that was secret in memory is wiped with it. `configured`: by what it works.
End live(cloister::box::Configured& configured, EventLog& log, std::optional<cloister::box::Destruction>& zeroize) {
  boost::asio::io_context io{1};
  auto box = Box::open(io, configured, log);
  if (!box && box.error().secrets) {
    log.alarm("SECRETS_CLOSED", std::format("box '{}'", configured.configuration.box.name),
              "the box is closed, for its secrets did not open: " + box.error().message);
    return End::no_secrets;
  }
  if (!box) {
    failed(box.error().message);
    return End::not_opened;
  }
  ::sd_notify(0, "READY=1");
  run(io, [&box] { (*box)->reload(); });
  configured = (*box)->configured();
  zeroize = (*box)->take_zeroize();
  if (zeroize) return End::zeroize;
  if ((*box)->untrusted()) return End::self_test;
  if ((*box)->outlived()) return End::outlived;
  ::sd_notify(0, "STOPPING=1");
  (*box)->on_stop();
  return End::stopped;
}

int serve(cloister::box::Configured configured, EventLog& log) {
  std::optional<cloister::box::Destruction> zeroize;
  auto end = End::outlived;
  while (end == End::outlived) end = live(configured, log, zeroize);
  const auto& configuration = configured.configuration;
  switch (end) {
    case End::outlived:
    case End::not_opened:
      return 1;
    case End::stopped:
      return 0;
    case End::no_secrets:
      return stay_closed(configuration, log, ClosedBy::no_secrets);
    case End::self_test:
      return stay_closed(configuration, log, ClosedBy::self_test);
    case End::zeroize:
      ClosedBox::zeroize(configuration, log, *zeroize);
      zeroize.reset();
      return stay_closed(configuration, log, ClosedBy::zeroize);
  }
  return 1;
}

/// Before a key is made or opened: whether what keys rest on works. True when the box must stay closed.
bool distrusts_itself(const cloister::config::Configuration& configuration, EventLog& log) {
  const auto failures = cloister::box::failed_tests(cloister::box::test_primitives());
  if (failures.empty()) return false;
  if (auto audit = cloister::box::AuditLog::open(configuration.box.state_directory, configuration.logging))
    log.audit_to(std::move(*audit));
  log.alarm("SELF_TEST_FAILED", std::format("box '{}'", configuration.box.name),
            cloister::box::self_test_alarm(failures));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The Cloister service: QKD device, distillation and VPN of this box.", "cloisterd"};
  app.set_version_flag("--version", std::string{"cloisterd "} + CLOISTER_VERSION);
  std::string path = "/etc/cloister/cloister.yaml";
  app.add_option("--config", path, "Configuration file")->capture_default_str();
  bool unlocked = false;
  app.add_flag(
      "--unlocked", unlocked,
      "Start even where not all secrets can be locked in memory, so that they may be swapped to a disk; for trials");
  const cloister::manual::Program program{
      .section = 8,
      .description = {"It drives the box's QKD devices, distils their raw detections into secret keys and spends "
                      "those in its own VPN. No key leaves the process. systemd starts it as cloister.service, after "
                      "cloister-netd has made the network and laid the rules that keep red packets in.",
                      "SIGTERM and SIGINT stop it; routes and rules stay, so that nothing leaves in clear while it "
                      "does not run. SIGHUP takes up a changed configuration, as 'systemctl reload cloister' and "
                      "cloisterctl(1)'s 'reload' "
                      "do: a bad one is refused whole, and what did not change goes on untouched."},
      .exit_status = {{"0", "it was stopped by a signal"},
                      {"1", "it could not start, and the reason is on standard error"},
                      {"2", "the command line is wrong"}},
      .files = {{"/etc/cloister/cloister.yaml", "The configuration of the box."},
                {"/run/cloister/control.sock", "The control socket, for cloisterctl(1) and cloister-dashboard(8)."},
                {"/var/lib/cloister", "The state directory: sealed secrets, accounts of blocks, the audit log."}},
      .see_also = {"cloister.yaml(5)", "cloisterctl(1)", "cloister-hal-host(8)", "systemctl(1)"}};
  cloister::manual::offer(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cloister::manual::not_understood(app, error);
  }

  cloister::crypto::forbid_cores();
  keep_buffers();
  auto configured = cloister::box::read_configuration(path);
  if (!configured) {
    std::cerr << configured.error().message << '\n';
    return 1;
  }

  if (const auto refused = lock_secrets(configured->configuration, unlocked); !refused)
    return failed(std::format("'{}': {}", path, refused.error().message));
  cloister::crypto::openssl_into_arena();
  cloister::crypto::wipe_on_crash();
  cloister::box::EventLog log;
  log.follow(configured->configuration.alarms, configured->configuration.logging);
  if (distrusts_itself(configured->configuration, log))
    return stay_closed(configured->configuration, log, ClosedBy::self_test);
  return serve(std::move(*configured), log);
}
