#pragma once
/// What `cloisterctl status --json` shows, and nothing secret: there is no type here that could hold a key.
///
/// Absent values are null. Rates say their unit; times are seconds since the service began unless the name says
/// otherwise.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloister::control {

/// A block that has ended, with a key or without; the account log has all of it.
struct BlockStatus {
  std::uint64_t number = 0;
  std::string outcome;           // "held", "burnt", or the code of why it was dropped
  std::string authenticated_by;  // "bootstrap", "qkd", "computational"; empty where it came to no tag
  std::string source;            // "distilled"; "external": others have made its keys, and no epsilon is known
  std::string bound;             // "wiesemann2024", …; empty where it was not distilled
  std::optional<double> eps_sec;
  std::optional<double> eps_cor;
  double seconds = 0;            // from its first detections to its end
  std::uint64_t detections = 0;  // as the receiver reported them, in any basis
  std::uint64_t sifted_bits = 0;
  std::uint64_t tested_bits = 0;
  std::uint64_t secret_bits = 0;
  std::uint64_t leakage_bits = 0;
  std::optional<double> qber;       // of the key basis: exact, the corrected bits say
  std::optional<double> test_qber;  // as counted
  std::optional<double> single_photon_error_max;
  std::optional<double> phase_error_max;
  std::optional<double> efficiency;  // f: parities per Shannon's least
};
BOOST_DESCRIBE_STRUCT(BlockStatus, (),
                      (number, outcome, authenticated_by, source, bound, eps_sec, eps_cor, seconds, detections,
                       sifted_bits, tested_bits, secret_bits, leakage_bits, qber, test_qber, single_photon_error_max,
                       phase_error_max, efficiency))

/// A block that gave no key.
struct DropStatus {
  std::uint64_t number = 0;
  std::string outcome;  // as of a block
  std::string reason;   // for a person
};
BOOST_DESCRIBE_STRUCT(DropStatus, (), (number, outcome, reason))

struct LinkStatus {
  std::string name;
  std::string peer;
  std::string role;  // "alice" (transmitter) or "bob" (receiver)
  // "disconnected", "greeting", "bootstrapping", "waits for an operator", "no device", "no light", "running",
  // "no key: blocks dropped"
  std::string state;
  std::string key_source;        // "distilled"; "external": others make the keys, and what they are worth is their word
  std::string waits_for;         // who must allow a bootstrap: "operator", "peer's operator"; empty: nobody
  std::string authenticated_by;  // "nobody", "bootstrap", "qkd"; "computational" under keys derived from QKD key
  std::string authentication_policy;  // "its-only", "its-preferred", "computational"
  std::string bootstrap_by;  // what a bootstrap rests on, for a person: "PSK", "pinned keys (…)", "certificates (…)"
  std::optional<double> trust_seconds_left;  // until the vouchers for the peer's key are too few; none: no vouchers
  std::string trust_problem;                 // why the vouchers give no key of the peer now; empty: nothing is wrong
  std::string device;                        // the device's own words
  std::optional<double> qber;                // of the last block's key basis
  std::optional<double> test_qber;           // running, of the block that is being filled
  double detections_per_second = 0;
  double sifted_bits_per_second = 0;
  double secret_bits_per_second = 0;
  std::uint64_t blocks_made = 0;
  std::uint64_t blocks_dropped = 0;
  std::uint64_t blocks_burnt = 0;
  std::uint64_t blocks_computational = 0;  // of those made: authenticated under keys derived from QKD key
  std::uint64_t block_filled_bits = 0;
  std::uint64_t block_size_bits = 0;
  std::optional<double>
      quarantine_seconds;  // that the watch must find nothing before a block is a key; null where others make the keys
  std::uint64_t quarantined_blocks = 0;  // that wait for that
  std::uint64_t quarantined_bits = 0;
  std::uint64_t reserve_bits = 0;
  std::uint64_t reserve_bits_max = 0;
  std::uint64_t authentication_spent_bits = 0;
  std::uint64_t sealed_restarts = 0;  // that the sealed reserve on disk still serves without a bootstrap
  std::uint64_t discarded_bits = 0;
  std::string last_error;
  std::optional<BlockStatus> last_block;
  std::uint64_t failed_reconciliations = 0;  // blocks that did not become equal
  std::optional<DropStatus> last_drop;       // the last block that gave no key
  std::optional<double> epsilon_total;       // of all blocks of the link's life; null where others make the keys
  std::optional<double> epsilon_budget;
  std::optional<double> epsilon_per_block;
};
BOOST_DESCRIBE_STRUCT(LinkStatus, (),
                      (name, peer, role, state, key_source, waits_for, authenticated_by, authentication_policy,
                       bootstrap_by, trust_seconds_left, trust_problem, device, qber, test_qber, detections_per_second,
                       sifted_bits_per_second, secret_bits_per_second, blocks_made, blocks_dropped, blocks_burnt,
                       blocks_computational, block_filled_bits, block_size_bits, quarantine_seconds, quarantined_blocks,
                       quarantined_bits, reserve_bits, reserve_bits_max, authentication_spent_bits, sealed_restarts,
                       discarded_bits, last_error, last_block, failed_reconciliations, last_drop, epsilon_total,
                       epsilon_budget, epsilon_per_block))

struct TunnelStatus {
  std::string name;
  std::string link;
  std::string interface;
  std::string state;  // "waiting", "up", "blocked", "differs", "no interface"
  std::string cipher;
  std::string key_source;        // "none", "qkd"; "extended" beyond its lifetime, "pqc" of an exchange alone
  std::string authenticated_by;  // what authenticated the block that its key is from; "nobody" without such a key
  std::string spi_in;            // "0x1a2b3c4d", empty without an SA
  std::string spi_out;
  std::optional<double> key_age_seconds;
  std::optional<double> last_rekey_seconds;  // how long it took
  std::uint64_t rekeys = 0;
  std::uint64_t key_bits_spent = 0;  // taken from the stock
  double key_bits_per_second = 0;    // over the last minute
  std::uint64_t stock_keys = 0;
  std::uint64_t stock_keys_max = 0;
  double key_left_seconds = 0;  // how long the stock and the living key last if no new key comes
  std::uint64_t mtu = 0;        // the longest packet that goes into it now
  std::uint64_t path_mtu = 0;   // of the way to the peer; 0: not known
  // Of a tunnel under one-time pads; half of its pad is in SAs, half in the stock.
  std::optional<std::uint64_t> pad_sending_bytes;
  std::optional<std::uint64_t> pad_receiving_bytes;
  std::optional<double> pad_bytes_per_second;        // sent under, over the last minute
  std::optional<double> forgery_epsilon_per_packet;  // the chance of a packet that somebody makes up, at most
  std::optional<double> forgery_epsilon_of_sa;       // that any was taken, of all that the receiving SA has judged
  // Of a tunnel of constant rate.
  std::optional<std::uint64_t> constant_packets_per_second;
  std::optional<double> constant_rate_used;  // the share of its datagrams that carry packets, over the last ten seconds
  std::uint64_t dummies_out = 0;             // datagrams that carry none
  std::uint64_t dummies_in = 0;
  std::uint64_t slots_missed = 0;  // datagrams that this box had no time for
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t dropped_no_key = 0;
  std::uint64_t dropped_selector = 0;
  std::uint64_t dropped_send = 0;
  std::uint64_t dropped_too_big = 0;
  std::uint64_t dropped_congested = 0;
  std::uint64_t dropped_over_rate = 0;
  std::uint64_t authentication_failures = 0;
  std::uint64_t replays = 0;
};
BOOST_DESCRIBE_STRUCT(TunnelStatus, (),
                      (name, link, interface, state, cipher, key_source, authenticated_by, spi_in, spi_out,
                       key_age_seconds, last_rekey_seconds, rekeys, key_bits_spent, key_bits_per_second, stock_keys,
                       stock_keys_max, key_left_seconds, mtu, path_mtu, pad_sending_bytes, pad_receiving_bytes,
                       pad_bytes_per_second, forgery_epsilon_per_packet, forgery_epsilon_of_sa,
                       constant_packets_per_second, constant_rate_used, dummies_out, dummies_in, slots_missed, bytes_in,
                       bytes_out, packets_in, packets_out, dropped_no_key, dropped_selector, dropped_send,
                       dropped_too_big, dropped_congested, dropped_over_rate, authentication_failures, replays))

struct Event {
  std::uint64_t number = 0;
  double at_seconds = 0;
  std::string severity;  // "info", "alarm"
  std::string code;      // stable, "FIRST_KEY"
  std::string subject;   // "link 'geneva-paris'"
  std::string text;
  std::uint64_t times = 1;  // the same again and again is one event
};
BOOST_DESCRIBE_STRUCT(Event, (), (number, at_seconds, severity, code, subject, text, times))

/// An alarm whose reason is not known to have gone, or that nobody has acknowledged.
struct Alarm {
  std::string code;
  std::string subject;
  std::string text;   // of the newest event
  std::string since;  // of the wall clock, "2026-11-25T16:20:00.123Z"
  std::uint64_t times = 1;
  std::optional<std::uint64_t> acknowledged_by;  // a user's number
  bool ignored = false;                          // it calls for nobody: 'alarms.ignore' has its code
};
BOOST_DESCRIBE_STRUCT(Alarm, (), (code, subject, text, since, times, acknowledged_by, ignored))

/// Of one self-test.
struct TestResult {
  std::string name;
  bool passed = false;
  std::string text;  // why not, for a person
  double milliseconds = 0;
};
BOOST_DESCRIBE_STRUCT(TestResult, (), (name, passed, text, milliseconds))

/// A setting that a reload has changed; empty: there is none before, or after.
struct ConfigurationChange {
  std::string path;
  std::string before;
  std::string after;
};
BOOST_DESCRIBE_STRUCT(ConfigurationChange, (), (path, before, after))

struct BoxStatus {
  int schema = 1;
  std::string box;
  std::string version;
  std::string state;  // "running", "zeroized", "self-test failed", "no secrets"
  double uptime_seconds = 0;
  std::string secret_memory;  // "memfd_secret", "locked", "unlocked"
  std::uint64_t secret_memory_used_bytes = 0;
  std::uint64_t secret_memory_peak_bytes = 0;  // as far as it was ever in use, what libraries hold included
  std::uint64_t secret_memory_bytes = 0;
  std::uint64_t unknown_datagrams = 0;  // that came to a tunnel's endpoint under no SA of ours
  std::vector<LinkStatus> links;
  std::vector<TunnelStatus> tunnels;
  std::vector<Alarm> alarms;  // that stand now, the oldest first
  std::vector<Event> events;  // the newest, oldest first
};
BOOST_DESCRIBE_STRUCT(BoxStatus, (),
                      (schema, box, version, state, uptime_seconds, secret_memory, secret_memory_used_bytes,
                       secret_memory_peak_bytes, secret_memory_bytes, unknown_datagrams, links, tunnels, alarms,
                       events))

}  // namespace cloister::control
