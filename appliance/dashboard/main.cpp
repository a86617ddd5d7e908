/// cloister-dashboard: the box's page and metrics over HTTP. It needs no right but to open the service's control socket.
///
/// Exit status: 0 stopped by a signal; 1 it could not start (the reason is on standard error); 2 the command line is
/// wrong.

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <iostream>
#include <optional>

#include "appliance/dashboard/elsewhere.hpp"
#include "appliance/dashboard/listening.hpp"
#include "appliance/dashboard/metrics_reference.hpp"
#include "appliance/dashboard/server.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

int failed(const std::string& message) {
  std::cerr << "cloister-dashboard: " << message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  namespace asio = boost::asio;
  namespace dashboard = cloister::dashboard;
  CLI::App app{"Serves a live page of this box's Cloister service, and its metrics at /metrics.", "cloister-dashboard"};
  app.set_version_flag("--version", std::string{"cloister-dashboard "} + CLOISTER_VERSION);
  std::string control_socket = "/run/cloister/control.sock";
  app.add_option("--socket", control_socket, "Control socket of the service")->capture_default_str();
  std::string address = "127.0.0.1:9748";
  app.add_option("--listen", address, "Address and port, where systemd passes no socket")->capture_default_str();
  dashboard::ElsewhereFiles files;
  auto* certificate =
      app.add_option("--certificate", files.certificate, "PEM file: serve addresses that are not loopback, by TLS");
  auto* key = app.add_option("--key", files.key, "PEM file of the certificate's key")->needs(certificate);
  auto* token = app.add_option("--token", files.token, "File with the word that who comes from elsewhere has to say");
  certificate->needs(key)->needs(token->needs(certificate));
  bool explain_metrics = false;
  app.add_flag("--explain-metrics", explain_metrics, "Print every metric with its meaning, as a page, and end");
  const cloister::manual::Program program{
      .section = 8,
      .description = {"The page shows links, keys and tunnels as they are now; Prometheus reads "
                      "the same at /metrics. It is a process without rights: it opens the control "
                      "socket of the service, to look. On loopback addresses it answers to all, on others "
                      "by TLS and to who says the token.",
                      "systemd passes it its listening sockets (cloister-dashboard.socket); "
                      "started by hand it listens by itself. Certificate, key and token may be systemd's credentials "
                      "'cloister-dashboard.certificate', '.key' and '.token', in /etc/credstore or encrypted in "
                      "/etc/credstore.encrypted, instead of options."},
      .exit_status = {{"0", "it was stopped by a signal"},
                      {"1", "it could not start, and the reason is on standard error"},
                      {"2", "the command line is wrong"}},
      .files = {{"/run/cloister/control.sock", "The control socket of the service."}},
      .see_also = {"cloisterctl(1)", "cloisterd(8)"}};
  cloister::manual::offer(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cloister::manual::not_understood(app, error);
  }
  if (explain_metrics) {
    std::cout << dashboard::metrics_reference();
    return 0;
  }

  asio::io_context io{1};
  std::optional<dashboard::Elsewhere> elsewhere;
  if (!*certificate) files = dashboard::files_of_systemd();
  if (!files.certificate.empty()) {
    auto opened = dashboard::open_elsewhere(files);
    if (!opened) return failed(opened.error());
    elsewhere = std::move(*opened);
  }
  const auto reach = elsewhere ? dashboard::Reach::anywhere : dashboard::Reach::loopback;
  auto listeners = dashboard::listeners_of_systemd(io.get_executor(), reach);
  if (listeners && listeners->empty()) listeners = dashboard::listen_on(io.get_executor(), address, reach);
  if (!listeners) return failed(listeners.error());
  dashboard::Server server{io.get_executor(), control_socket, std::move(elsewhere)};
  for (auto& listener : *listeners) asio::co_spawn(io, server.serve(std::move(listener)), asio::detached);
  asio::signal_set signals{io, SIGINT, SIGTERM};
  signals.async_wait([&io](boost::system::error_code, int) { io.stop(); });
  io.run();
  return 0;
}
