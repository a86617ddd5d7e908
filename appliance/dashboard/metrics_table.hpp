#pragma once
/// Which field of `cloisterctl status --json` is which Prometheus metric. A field that is in neither table fails a test.
///
/// Names follow https://prometheus.io/docs/practices/naming: base units (bytes, not bits; ratios, not percent), `_total`
/// on counters. Fields that are one quantity seen in several ways share a metric and differ in a label.

#include <array>
#include <string_view>

namespace cloister::dashboard {

enum class Kind {
  gauge,    // a number
  counter,  // a number that only grows while the service lives
  state,    // a text that changes: 1 with the text in the label `label`
  info,     // a text that hardly changes: one label of several of a metric that is always 1
};

struct Metric {
  std::string_view field;  // the path in the JSON: "links.qber"
  std::string_view name;
  Kind kind;
  std::string_view help;
  // Gauge and counter: `name="value"` that tells the field from others of the metric; otherwise a label's name.
  std::string_view label;
  double scale = 1;  // from the field's unit to the metric's
};

inline constexpr double bytes_per_bit = 0.125;

inline constexpr std::string_view link_info_help = "What a link is.";
inline constexpr std::string_view tunnel_info_help = "What a tunnel is.";
inline constexpr std::string_view build_info_help = "Which box this is and what it runs.";
inline constexpr std::string_view blocks_help = "Blocks of sifted bits by how they ended: made, dropped, burnt.";
inline constexpr std::string_view qber_help =
    "Quantum bit error ratio: of the last block's key basis, and running in the test basis of the block being filled.";
inline constexpr std::string_view dropped_help = "Packets that the tunnel did not let through, by reason.";

// clang-format off
inline constexpr auto metrics = std::to_array<Metric>({
    {"box", "cloister_build_info", Kind::info, build_info_help, "box"},
    {"version", "cloister_build_info", Kind::info, build_info_help, "version"},
    {"state", "cloister_box_state", Kind::state, "Whether the box works: running, or closed: zeroized, self-test failed, no secrets.", "state"},
    {"uptime_seconds", "cloister_uptime_seconds", Kind::gauge, "Time since the service began.", ""},
    {"secret_memory", "cloister_secret_memory_protection", Kind::state, "How the memory of secrets is protected: memfd_secret, locked, unlocked.", "protection"},
    {"secret_memory_used_bytes", "cloister_secret_memory_used_bytes", Kind::gauge, "Memory of secrets in use.", ""},
    {"secret_memory_peak_bytes", "cloister_secret_memory_peak_bytes", Kind::gauge, "As far as the memory of secrets was ever in use.", ""},
    {"secret_memory_bytes", "cloister_secret_memory_size_bytes", Kind::gauge, "Memory set aside for secrets.", ""},
    {"unknown_datagrams", "cloister_unknown_datagrams_total", Kind::counter, "Datagrams that came to a tunnel's endpoint under no SA of this box.", ""},

    {"links.peer", "cloister_link_info", Kind::info, link_info_help, "peer"},
    {"links.role", "cloister_link_info", Kind::info, link_info_help, "role"},
    {"links.key_source", "cloister_link_info", Kind::info, link_info_help, "key_source"},
    {"links.state", "cloister_link_state", Kind::state, "The link's state: 1 for the one it is in.", "state"},
    {"links.authenticated_by", "cloister_link_authentication", Kind::state, "What authenticates the classical channel: nobody, bootstrap, qkd, computational (under keys derived from QKD key).", "by"},
    {"links.authentication_policy", "cloister_link_info", Kind::info, link_info_help, "authentication_policy"},
    {"links.bootstrap_by", "cloister_link_info", Kind::info, link_info_help, "bootstrap_by"},
    {"links.trust_seconds_left", "cloister_link_trust_left_seconds", Kind::gauge, "Until the vouchers for the peer's key are too few for a bootstrap.", ""},
    {"links.qber", "cloister_link_qber_ratio", Kind::gauge, qber_help, "basis=\"key\""},
    {"links.test_qber", "cloister_link_qber_ratio", Kind::gauge, qber_help, "basis=\"test\""},
    {"links.detections_per_second", "cloister_link_detections_per_second", Kind::gauge, "Detections of the receiver a second.", ""},
    {"links.sifted_bits_per_second", "cloister_link_sifted_key_bytes_per_second", Kind::gauge, "Sifted key made a second.", "", bytes_per_bit},
    {"links.secret_bits_per_second", "cloister_link_secret_key_bytes_per_second", Kind::gauge, "Secret key made a second.", "", bytes_per_bit},
    {"links.blocks_made", "cloister_link_blocks_total", Kind::counter, blocks_help, "result=\"made\""},
    {"links.blocks_dropped", "cloister_link_blocks_total", Kind::counter, blocks_help, "result=\"dropped\""},
    {"links.blocks_burnt", "cloister_link_blocks_total", Kind::counter, blocks_help, "result=\"burnt\""},
    {"links.blocks_computational", "cloister_link_blocks_authenticated_computationally_total", Kind::counter, "Of the blocks made, those authenticated under keys derived from QKD key.", ""},
    {"links.block_filled_bits", "cloister_link_block_filled_bytes", Kind::gauge, "Sifted key in the block being filled.", "", bytes_per_bit},
    {"links.block_size_bits", "cloister_link_block_size_bytes", Kind::gauge, "Sifted key of a full block.", "", bytes_per_bit},
    {"links.quarantine_seconds", "cloister_link_quarantine_seconds", Kind::gauge, "How long the watch over the device must find nothing before a block is a key.", ""},
    {"links.quarantined_blocks", "cloister_link_quarantined_blocks", Kind::gauge, "Blocks that wait for that.", ""},
    {"links.quarantined_bits", "cloister_link_quarantined_bytes", Kind::gauge, "Their key.", "", bytes_per_bit},
    {"links.reserve_bits", "cloister_link_reserve_bytes", Kind::gauge, "QKD key kept for authenticating the classical channel.", "", bytes_per_bit},
    {"links.reserve_bits_max", "cloister_link_reserve_size_bytes", Kind::gauge, "The authentication reserve when full.", "", bytes_per_bit},
    {"links.authentication_spent_bits", "cloister_link_authentication_spent_bytes_total", Kind::counter, "QKD key spent on tags of the classical channel.", "", bytes_per_bit},
    {"links.sealed_restarts", "cloister_link_sealed_restarts", Kind::gauge, "Restarts that the sealed reserve on disk still serves without a bootstrap.", ""},
    {"links.discarded_bits", "cloister_link_discarded_bytes_total", Kind::counter, "Secret key discarded because reserve and stocks were full.", "", bytes_per_bit},
    {"links.failed_reconciliations", "cloister_link_failed_reconciliations_total", Kind::counter, "Blocks whose errors could not be corrected.", ""},
    {"links.epsilon_total", "cloister_link_epsilon_spent", Kind::gauge, "Epsilon of all blocks of the link's life.", ""},
    {"links.epsilon_budget", "cloister_link_epsilon_budget", Kind::gauge, "Epsilon that the link may spend in its life.", ""},
    {"links.epsilon_per_block", "cloister_link_epsilon_per_block", Kind::gauge, "Epsilon of one block.", ""},
    {"links.last_block.seconds", "cloister_link_last_block_duration_seconds", Kind::gauge, "From the first to the last step of the last block.", ""},
    {"links.last_block.outcome", "cloister_link_last_block_outcome", Kind::state, "How the last block ended: held, burnt, or the code of the alarm with which it was dropped.", "outcome"},
    {"links.last_block.detections", "cloister_link_last_block_detections", Kind::gauge, "Detections of the last block, in any basis.", ""},
    {"links.last_block.sifted_bits", "cloister_link_last_block_sifted_bytes", Kind::gauge, "Sifted key of the last block.", "", bytes_per_bit},
    {"links.last_block.tested_bits", "cloister_link_last_block_tested_bytes", Kind::gauge, "Bits of the last block's test basis.", "", bytes_per_bit},
    {"links.last_block.secret_bits", "cloister_link_last_block_secret_bytes", Kind::gauge, "Secret key of the last block.", "", bytes_per_bit},
    {"links.last_block.leakage_bits", "cloister_link_last_block_leakage_bytes", Kind::gauge, "What was disclosed about the last block's key.", "", bytes_per_bit},
    {"links.last_block.single_photon_error_max", "cloister_link_last_block_single_photon_error_ratio", Kind::gauge, "Upper bound on the errors of the last block's single photons in the test basis.", ""},
    {"links.last_block.phase_error_max", "cloister_link_last_block_phase_error_ratio", Kind::gauge, "Upper bound on the last block's phase error.", ""},
    {"links.last_block.efficiency", "cloister_link_last_block_efficiency", Kind::gauge, "Reconciliation's f: leakage over the entropy of the errors.", ""},
    {"links.last_drop.outcome", "cloister_link_last_drop", Kind::state, "Why the last block without a key gave none: burnt, or the code of the alarm.", "reason"},

    {"alarms.code", "cloister_alarm", Kind::state, "Alarms that stand, by what they are about and their code, and whether 'alarms.ignore' has it.", "code"},

    {"tunnels.interface", "cloister_tunnel_info", Kind::info, tunnel_info_help, "interface"},
    {"tunnels.cipher", "cloister_tunnel_info", Kind::info, tunnel_info_help, "cipher"},
    {"tunnels.key_source", "cloister_tunnel_key_source", Kind::state, "What the tunnel's key is: none, qkd, extended (used beyond its lifetime), pqc (of an exchange alone).", "source"},
    {"tunnels.authenticated_by", "cloister_tunnel_key_authentication", Kind::state, "What authenticated the block that the tunnel's key is from: nobody without a key of a block, bootstrap, qkd, computational (under keys derived from QKD key).", "by"},
    {"tunnels.state", "cloister_tunnel_state", Kind::state, "The tunnel's state: 1 for the one it is in.", "state"},
    {"tunnels.key_age_seconds", "cloister_tunnel_key_age_seconds", Kind::gauge, "Age of the key that packets are sent under.", ""},
    {"tunnels.last_rekey_seconds", "cloister_tunnel_last_rekey_seconds", Kind::gauge, "How long the last rekey took, from its offer on.", ""},
    {"tunnels.key_bits_spent", "cloister_tunnel_key_spent_bytes_total", Kind::counter, "Key taken from the stock.", "", bytes_per_bit},
    {"tunnels.rekeys", "cloister_tunnel_rekeys_total", Kind::counter, "Rekeys done.", ""},
    {"tunnels.stock_keys", "cloister_tunnel_stock_keys", Kind::gauge, "Keys kept ready.", ""},
    {"tunnels.stock_keys_max", "cloister_tunnel_stock_size_keys", Kind::gauge, "Keys kept ready when the stock is full.", ""},
    {"tunnels.key_left_seconds", "cloister_tunnel_key_left_seconds", Kind::gauge, "How long stock and living key last if no new key comes.", ""},
    {"tunnels.mtu", "cloister_tunnel_mtu_bytes", Kind::gauge, "The longest packet that goes into the tunnel now.", ""},
    {"tunnels.path_mtu", "cloister_tunnel_path_mtu_bytes", Kind::gauge, "The longest packet that the way to the peer takes; 0: not known.", ""},
    {"tunnels.pad_sending_bytes", "cloister_tunnel_pad_sending_bytes", Kind::gauge, "Of a tunnel under one-time pads: pad that it may send under at once; its stock has more, as much again where it is full.", ""},
    {"tunnels.pad_receiving_bytes", "cloister_tunnel_pad_receiving_bytes", Kind::gauge, "Of a tunnel under one-time pads: pad that the peer may send under at once.", ""},
    {"tunnels.forgery_epsilon_per_packet", "cloister_tunnel_forgery_epsilon_per_packet", Kind::gauge, "Of a tunnel under one-time pads: the chance that a packet which somebody makes up is taken, of the tag alone; the epsilon of the keys comes in addition.", ""},
    {"tunnels.forgery_epsilon_of_sa", "cloister_tunnel_forgery_epsilon_of_sa", Kind::gauge, "Of a tunnel under one-time pads: the chance that any was, of all that its receiving SA has judged, of the tags alone.", ""},
    {"tunnels.constant_packets_per_second", "cloister_tunnel_constant_packets_per_second", Kind::gauge, "Of a tunnel of constant rate: datagrams that it sends a second.", ""},
    {"tunnels.constant_rate_used", "cloister_tunnel_constant_rate_used_ratio", Kind::gauge, "Of a tunnel of constant rate: the share of its datagrams that carry packets, over the last ten seconds.", ""},
    {"tunnels.dummies_out", "cloister_tunnel_sent_dummies_total", Kind::counter, "Datagrams sent that carry no packet.", ""},
    {"tunnels.dummies_in", "cloister_tunnel_received_dummies_total", Kind::counter, "Datagrams received that carry no packet.", ""},
    {"tunnels.slots_missed", "cloister_tunnel_missed_slots_total", Kind::counter, "Of a tunnel of constant rate: datagrams that this box had no time for.", ""},
    {"tunnels.bytes_in", "cloister_tunnel_received_bytes_total", Kind::counter, "Payload received through the tunnel.", ""},
    {"tunnels.bytes_out", "cloister_tunnel_sent_bytes_total", Kind::counter, "Payload sent through the tunnel.", ""},
    {"tunnels.packets_in", "cloister_tunnel_received_packets_total", Kind::counter, "Packets received through the tunnel.", ""},
    {"tunnels.packets_out", "cloister_tunnel_sent_packets_total", Kind::counter, "Packets sent through the tunnel.", ""},
    {"tunnels.dropped_no_key", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"no_key\""},
    {"tunnels.dropped_selector", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"selector\""},
    {"tunnels.dropped_send", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"send\""},
    {"tunnels.dropped_too_big", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"too_big\""},
    {"tunnels.dropped_congested", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"congested\""},
    {"tunnels.dropped_over_rate", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"over_rate\""},
    {"tunnels.authentication_failures", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"authentication\""},
    {"tunnels.replays", "cloister_tunnel_dropped_packets_total", Kind::counter, dropped_help, "reason=\"replay\""},
});

struct LeftOut {
  std::string_view field;
  std::string_view why;
};

inline constexpr auto left_out = std::to_array<LeftOut>({
    {"schema", "says how to read the JSON"},
    {"links.device", "free text"},
    {"links.waits_for", "links.state says that it waits, the alarm BOOTSTRAP_WAITS for whom"},
    {"links.trust_problem", "free text; links.trust_seconds_left is 0 then"},
    {"links.last_error", "free text"},
    {"links.last_drop.number", "as links.last_block.number"},
    {"links.last_drop.reason", "free text"},
    {"tunnels.key_bits_per_second", "is the rate of cloister_tunnel_key_spent_bytes_total"},
    {"tunnels.pad_bytes_per_second", "what the tunnel sends says it: cloister_tunnel_sent_packets_total and _bytes_total"},
    {"links.last_block.source", "is links.key_source"},
    {"links.last_block.bound", "as configured"},
    {"links.last_block.authenticated_by", "is links.authenticated_by, a block later"},
    {"links.last_block.eps_sec", "with eps_cor it is links.epsilon_per_block"},
    {"links.last_block.eps_cor", "as eps_sec"},
    {"links.last_block.number", "counts as cloister_link_blocks_total does"},
    {"links.last_block.qber", "is links.qber"},
    {"links.last_block.test_qber", "links.test_qber runs"},
    {"tunnels.spi_in", "a new value with every rekey would be a new series each time"},
    {"tunnels.spi_out", "as spi_in"},
    {"alarms.text", "free text"},
    {"alarms.since", "ALERTS of Prometheus has when it saw the alarm first"},
    {"alarms.times", "how often the same was seen says little; events have each"},
    {"alarms.acknowledged_by", "a person's note, which changes nothing about the reason"},
    {"events.number", "the list holds the newest events only: a metric made of it would go back; the journal has them all"},
    {"events.at_seconds", "as events.number"},
    {"events.severity", "as events.number"},
    {"events.code", "as events.number"},
    {"events.subject", "as events.number"},
    {"events.text", "as events.number"},
    {"events.times", "as events.number"},
});

/// What tells the elements of a list apart: the label, and the element's field that fills it.
struct Identity {
  std::string_view list;
  std::string_view label;
  std::string_view field;
};

inline constexpr auto identities = std::to_array<Identity>({
    {"links", "link", "name"},
    {"tunnels", "tunnel", "name"},
    {"tunnels", "link", "link"},
    {"alarms", "subject", "subject"},
    {"alarms", "ignored", "ignored"},
});
// clang-format on

}  // namespace cloister::dashboard
