#include "appliance/cloisterctl/tunnels.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <expected>
#include <format>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "appliance/cloisterctl/colours.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/one_of.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/cloisterctl/status_view.hpp"
#include "appliance/cloisterctl/table.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {
namespace {

struct TunnelOptions {
  std::string name;
  bool json = false;
};

/// An exchange is given up after 5 s.
constexpr std::chrono::seconds rekey_patience{6};
constexpr std::chrono::milliseconds between_looks{100};

std::expected<control::TunnelStatus, control::Failure> tunnel_of(const std::string& socket, const std::string& name) {
  const auto status = control::fetch_status(socket);
  if (!status) return std::unexpected{status.error()};
  return one_of(status->tunnels, name, "tunnel").transform_error([](const std::string& why) {
    return control::Failure{.message = why};
  });
}

int tunnel_list(const std::string& socket, bool json) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  if (json) {
    print_json(status->tunnels);
    return number(ExitStatus::done);
  }
  std::vector<Row> rows{{"TUNNEL", "LINK", "INTERFACE", "STATE", "KEY AGE", "KEYS LEFT", "RECEIVED", "SENT"}};
  for (const auto& tunnel : status->tunnels) {
    rows.push_back({tunnel.name, tunnel.link, tunnel.interface, tunnel.state,
                    tunnel.key_age_seconds ? std::format("{:.1f} s", *tunnel.key_age_seconds) : std::string{"-"},
                    std::format("{}/{}", tunnel.stock_keys, tunnel.stock_keys_max),
                    with_size_unit(static_cast<double>(tunnel.bytes_in)),
                    with_size_unit(static_cast<double>(tunnel.bytes_out))});
  }
  std::cout << table(rows);
  return number(ExitStatus::done);
}

int tunnel_show(const std::string& socket, const std::string& name, bool json) {
  const auto tunnel = tunnel_of(socket, name);
  if (!tunnel) return failed(tunnel.error());
  if (json)
    print_json(*tunnel);
  else
    std::cout << render(*tunnel, colours_wanted());
  return number(ExitStatus::done);
}

/// Orders a new key and waits, some seconds at most, until the tunnel has it.
int tunnel_rekey(const std::string& socket, const std::string& name, bool json) {
  const auto before = tunnel_of(socket, name);
  if (!before) return failed(before.error());
  if (const auto ordered = control::tell(socket, {.request = control::Request::rekey, .name = name, .subject = {}});
      !ordered)
    return failed(ordered.error());
  for (const auto end = std::chrono::steady_clock::now() + rekey_patience; std::chrono::steady_clock::now() < end;) {
    const auto tunnel = tunnel_of(socket, name);
    if (!tunnel) return failed(tunnel.error());
    if (!tunnel->spi_in.empty() && tunnel->spi_in != before->spi_in) {
      if (json)
        print_json(*tunnel);
      else
        std::cout << std::format("tunnel '{}' has a new key: SPI in {}, out {}; {} of {} keys left\n", name,
                                 tunnel->spi_in, tunnel->spi_out, tunnel->stock_keys, tunnel->stock_keys_max);
      return number(ExitStatus::done);
    }
    std::this_thread::sleep_for(between_looks);
  }
  return failed(std::format("tunnel '{}' has no new key after {} s (keys in stock: {}): see 'cloisterctl link show {}'",
                            name, rekey_patience.count(), before->stock_keys, before->link));
}

}  // namespace

void offer_tunnel(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<TunnelOptions>();
  auto* tunnel = app.add_subcommand("tunnel", "Show this box's tunnels, or give one a new key");
  tunnel->require_subcommand(0, 1);
  auto* list = tunnel->add_subcommand("list", "A line for each tunnel (as 'tunnel' alone)");
  auto* show = tunnel->add_subcommand("show", "All of one tunnel");
  auto* rekey = tunnel->add_subcommand("rekey", "Give a tunnel a new key now; for operators");
  for (auto* command : {show, rekey}) command->add_option("name", options->name, "The tunnel's name")->required();
  for (auto* command : {tunnel, list, show, rekey}) command->add_flag("--json", options->json, "For programs");
  for (auto* command : {tunnel, list})
    invocation.on(command, [&invocation, options] { return tunnel_list(invocation.socket, options->json); });
  invocation.on(show, [&invocation, options] { return tunnel_show(invocation.socket, options->name, options->json); });
  invocation.on(rekey,
                [&invocation, options] { return tunnel_rekey(invocation.socket, options->name, options->json); });
}

}  // namespace cloister::cloisterctl
