#include "appliance/cloisterctl/status_view.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>
#include <utility>

namespace cloister::cloisterctl {
namespace {

constexpr std::size_t events_shown = 6;
constexpr std::string_view external_source = "external";

struct Paint {
  bool colours;
  [[nodiscard]] std::string operator()(std::string_view code, std::string_view text) const {
    return colours ? std::format("\x1b[{}m{}\x1b[0m", code, text) : std::string{text};
  }
  [[nodiscard]] std::string bold(std::string_view text) const { return (*this)("1", text); }
  [[nodiscard]] std::string good(std::string_view text) const { return (*this)("32", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return (*this)("31;1", text); }
  [[nodiscard]] std::string state(std::string_view text) const {
    return text == "running" || text == "up" ? good(text) : bad(text);
  }
};

template <std::size_t Count>
std::string scaled(double value, double step, const std::array<const char*, Count>& units) {
  std::size_t unit = 0;
  while (value >= step && unit + 1 < Count) {
    value /= step;
    ++unit;
  }
  const int decimals = value < 10 && unit > 0 ? 2 : value < 100 && unit > 0 ? 1 : 0;
  return std::format("{:.{}f} {}", value, decimals, units[unit]);
}

std::string percent(const std::optional<double>& value) {
  return value ? std::format("{:.2f} %", 100 * *value) : std::string{"unknown yet"};
}

std::string line(std::string_view name, std::string_view value) {
  return std::format("  {:<16} {}\n", std::string{name} + ":", value);
}

std::string authenticator(const Paint& paint, const std::string& by, bool external) {
  if (by == "qkd" && external) return paint.good("keys of the KMEs, each used once");
  if (by == "qkd") return paint.good("QKD keys (information-theoretic)");
  if (by == "bootstrap") return "bootstrap (TLS 1.3)";
  if (by == "computational") return "keys derived from QKD key (computational)";
  return paint.bad("nobody");
}

std::string block_lines(const control::BlockStatus& block) {
  std::string out = line(
      "last block",
      std::format("{}: {}{}, after {:.2f} s", block.number, block.outcome,
                  block.authenticated_by.empty() ? "" : ", authenticated by " + block.authenticated_by, block.seconds));
  if (block.source == external_source)
    return out + line("its bits", std::format("{} of finished keys; no epsilon: what they are worth is the KMEs' word",
                                              block.secret_bits));
  out +=
      line("its errors", std::format("{} key basis, {} test basis; single photons at most {}, phase error at most {}",
                                     percent(block.qber), percent(block.test_qber),
                                     percent(block.single_photon_error_max), percent(block.phase_error_max)));
  return out + line("its bits",
                    std::format(
                        "{} detected, {} sifted, {} tested, {} secret; {} leaked{}; {}, eps_sec {:.1e}, eps_cor {:.1e}",
                        block.detections, block.sifted_bits, block.tested_bits, block.secret_bits, block.leakage_bits,
                        block.efficiency ? std::format(" (f {:.3f})", *block.efficiency) : "", block.bound,
                        block.eps_sec.value_or(0), block.eps_cor.value_or(0)));
}

std::string alarm_line(const std::vector<control::Alarm>& alarms, const Paint& paint) {
  if (alarms.empty()) return {};
  const auto ignored = std::ranges::count_if(alarms, &control::Alarm::ignored);
  const auto text =
      std::format("{} {}{}: see 'cloisterctl alarm'", alarms.size(), alarms.size() == 1 ? "stands" : "stand",
                  ignored == 0 ? "" : std::format(", {} ignored", ignored));
  return line("alarms", std::cmp_equal(ignored, alarms.size()) ? text : paint.bad(text));
}

/// The last day may be over since the vouchers were read.
std::string bootstrap_by(const control::LinkStatus& link, const Paint& paint) {
  if (link.trust_seconds_left != 0) return link.bootstrap_by;
  return paint.bad("nothing: " + (link.trust_problem.empty() ? "the vouchers have ended" : link.trust_problem));
}

/// What this box does for the link's keys.
std::string part_of(const control::LinkStatus& link) {
  const bool alice = link.role == "alice";
  if (link.key_source == external_source) return alice ? "has keys made" : "fetches the same keys";
  return alice ? "is the transmitter" : "is the receiver";
}

std::string epsilon_of(const control::LinkStatus& link, const Paint& paint) {
  if (!link.epsilon_total || !link.epsilon_budget || !link.epsilon_per_block) return "not known: others make the keys";
  auto text = std::format("{:.2e} of {:.2e} for the link's life, {:.1e} a block", *link.epsilon_total,
                          *link.epsilon_budget, *link.epsilon_per_block);
  return *link.epsilon_total > *link.epsilon_budget ? paint.bad(text) : text;
}

std::string render_link(const control::LinkStatus& link, const Paint& paint) {
  std::string out = paint.bold("link: " + link.name) + "\n";
  const bool external = link.key_source == external_source;
  out += line("peer", std::format("{}, this box {}", link.peer, part_of(link)));
  out += line("state", paint.state(link.state));
  if (link.waits_for == "operator")
    out +=
        line("waits for", std::format("an operator to allow a bootstrap: 'cloisterctl link bootstrap {}'", link.name));
  if (link.waits_for == "peer's operator")
    out += line("waits for", std::format("the operator of box '{}' to allow a bootstrap there", link.peer));
  out += line("authenticated by", std::format("{}; policy {}", authenticator(paint, link.authenticated_by, external),
                                              link.authentication_policy));
  out += line("bootstrap by", bootstrap_by(link, paint));
  out += line("device", link.device);
  if (external) {
    out += line("keys", "finished ones of a KME (ETSI GS QKD 014): what they are worth is its word");
    out += line("rates", with_rate_unit(link.secret_bits_per_second) + " secret");
  } else {
    out += line("QBER", std::format("{} key basis, {} test basis now", percent(link.qber), percent(link.test_qber)));
    out += line("rates",
                std::format("{} raw, {} sifted, {} secret", with_rate_unit(link.detections_per_second),
                            with_rate_unit(link.sifted_bits_per_second), with_rate_unit(link.secret_bits_per_second)));
  }
  out += line("blocks",
              std::format("{} made{}, {} dropped, {} burnt{}", link.blocks_made,
                          link.blocks_computational == 0
                              ? ""
                              : std::format(" ({} authenticated computationally)", link.blocks_computational),
                          link.blocks_dropped, link.blocks_burnt,
                          link.block_size_bits == 0 ? ""
                                                    : std::format("; the next is {:.0f} % full",
                                                                  100.0 * static_cast<double>(link.block_filled_bits) /
                                                                      static_cast<double>(link.block_size_bits))));
  if (link.quarantine_seconds.value_or(0) > 0)
    out += line("quarantine",
                std::format("{:g} s without a finding; {} blocks wait for that, {} of key", *link.quarantine_seconds,
                            link.quarantined_blocks, with_size_unit(static_cast<double>(link.quarantined_bits) / 8)));
  out += line("reserve", std::format("{} of {}, {} bits spent on tags; {} restarts sealed",
                                     with_size_unit(static_cast<double>(link.reserve_bits) / 8),
                                     with_size_unit(static_cast<double>(link.reserve_bits_max) / 8),
                                     link.authentication_spent_bits, link.sealed_restarts));
  if (link.last_block) out += block_lines(*link.last_block);
  if (link.failed_reconciliations > 0)
    out += line("not reconciled", std::format("{} blocks", link.failed_reconciliations));
  if (link.last_drop)
    out += line("last drop",
                std::format("{}: {}, {}", link.last_drop->number, link.last_drop->outcome, link.last_drop->reason));
  out += line("epsilon", epsilon_of(link, paint));
  if (!link.last_error.empty()) out += line("last error", paint.bad(link.last_error));
  return out;
}

std::string key_of(const control::TunnelStatus& tunnel) {
  if (tunnel.key_source == "pqc") return "of an exchange alone, X25519 and ML-KEM-768, for want of QKD keys";
  return std::format("QKD, its block authenticated by {}{}", tunnel.authenticated_by,
                     tunnel.key_source == "extended" ? "; used beyond its lifetime" : "");
}

std::string render_tunnel(const control::TunnelStatus& tunnel, const Paint& paint) {
  std::string out = paint.bold("tunnel: " + tunnel.name) + "\n";
  out += line("link", tunnel.link + ", interface " + tunnel.interface);
  out += line("state", paint.state(tunnel.state));
  out += line("cipher", tunnel.cipher);
  if (tunnel.key_age_seconds) out += line("key", key_of(tunnel));
  if (!tunnel.spi_in.empty()) {
    const std::string age =
        tunnel.key_age_seconds ? std::format(", key {:.1f} s old", *tunnel.key_age_seconds) : std::string{};
    out += line("SPI",
                std::format("in {}, out {}{}", tunnel.spi_in, tunnel.spi_out.empty() ? "none" : tunnel.spi_out, age));
  }
  if (tunnel.pad_sending_bytes && tunnel.pad_receiving_bytes && tunnel.pad_bytes_per_second &&
      tunnel.forgery_epsilon_per_packet && tunnel.forgery_epsilon_of_sa) {
    out += line("pad", std::format("{} to send, {} to receive; {}/s used",
                                   with_size_unit(static_cast<double>(*tunnel.pad_sending_bytes)),
                                   with_size_unit(static_cast<double>(*tunnel.pad_receiving_bytes)),
                                   with_size_unit(*tunnel.pad_bytes_per_second)));
    out +=
        line("forgery",
             std::format("by the tags alone {:.1e} a packet, {:.1e} in this SA's life; beside the epsilon of the keys",
                         *tunnel.forgery_epsilon_per_packet, *tunnel.forgery_epsilon_of_sa));
  }
  out += line("rekeys", std::format("{}{}; {} of key", tunnel.rekeys,
                                    tunnel.last_rekey_seconds
                                        ? std::format(", the last in {:.0f} ms", 1e3 * *tunnel.last_rekey_seconds)
                                        : "",
                                    with_rate_unit(tunnel.key_bits_per_second)));
  out += line("keys left", std::format("{} of {}, enough for {:.0f} s", tunnel.stock_keys, tunnel.stock_keys_max,
                                       tunnel.key_left_seconds));
  if (tunnel.path_mtu != 0)
    out += line("MTU", std::format("{} bytes; the way to the peer takes {}", tunnel.mtu, tunnel.path_mtu));
  out += line("transfer", std::format("{} received, {} sent", with_size_unit(static_cast<double>(tunnel.bytes_in)),
                                      with_size_unit(static_cast<double>(tunnel.bytes_out))));
  if (tunnel.constant_packets_per_second)
    out += line("constant rate",
                std::format("{} datagrams/s, {:.0f} % of them used; dummies: {} received, {} sent; {} missed",
                            *tunnel.constant_packets_per_second, 100 * tunnel.constant_rate_used.value_or(0),
                            tunnel.dummies_in, tunnel.dummies_out, tunnel.slots_missed));
  const auto dropped = tunnel.dropped_no_key + tunnel.dropped_selector + tunnel.dropped_send + tunnel.dropped_too_big +
                       tunnel.dropped_congested + tunnel.dropped_over_rate + tunnel.authentication_failures +
                       tunnel.replays;
  if (dropped > 0) {
    out += line(
        "dropped",
        std::format(
            "{} without key, {} outside the subnets, {} unsent, {} too big, {} congested, {} over the rate, {} forged, "
            "{} replayed",
            tunnel.dropped_no_key, tunnel.dropped_selector, tunnel.dropped_send, tunnel.dropped_too_big,
            tunnel.dropped_congested, tunnel.dropped_over_rate, tunnel.authentication_failures, tunnel.replays));
  }
  return out;
}

}  // namespace

std::string with_rate_unit(double bits_per_second) {
  return scaled(bits_per_second, 1000, std::to_array<const char*>({"bit/s", "kbit/s", "Mbit/s", "Gbit/s"}));
}

std::string with_size_unit(double bytes) {
  return scaled(bytes, 1024, std::to_array<const char*>({"B", "KiB", "MiB", "GiB", "TiB"}));
}

std::string render(const control::LinkStatus& link, bool colours) { return render_link(link, Paint{colours}); }
std::string render(const control::TunnelStatus& tunnel, bool colours) { return render_tunnel(tunnel, Paint{colours}); }

std::string render(const control::BoxStatus& status, bool colours) {
  const Paint paint{colours};
  std::string out = paint.bold("box: " + status.box) + "\n";
  out += line("version", std::format("{}, up {:.0f} s", status.version, status.uptime_seconds));
  out += line("state", paint.state(status.state));
  out += line("secret memory", std::format("{}, {} now and {} at most of {}", status.secret_memory,
                                           with_size_unit(static_cast<double>(status.secret_memory_used_bytes)),
                                           with_size_unit(static_cast<double>(status.secret_memory_peak_bytes)),
                                           with_size_unit(static_cast<double>(status.secret_memory_bytes))));
  if (status.unknown_datagrams > 0) out += line("no SA for", std::format("{} datagrams", status.unknown_datagrams));
  out += alarm_line(status.alarms, paint);
  for (const auto& link : status.links) out += "\n" + render_link(link, paint);
  for (const auto& tunnel : status.tunnels) out += "\n" + render_tunnel(tunnel, paint);
  if (!status.events.empty()) out += "\n" + paint.bold("events") + "\n";
  const std::size_t first = status.events.size() > events_shown ? status.events.size() - events_shown : 0;
  for (std::size_t i = first; i < status.events.size(); ++i) {
    const auto& event = status.events[i];
    const std::string text = std::format("{}: {}{}", event.subject, event.text,
                                         event.times > 1 ? std::format(" ({} times)", event.times) : "");
    out += std::format("  {:8.1f} s  {}\n", event.at_seconds,
                       event.severity == "alarm" ? paint.bad("ALARM " + text) : text);
  }
  return out;
}

}  // namespace cloister::cloisterctl
