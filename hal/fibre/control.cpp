#include "hal/fibre/control.hpp"

#include <boost/json.hpp>
#include <format>
#include <utility>

#include "hal/fibre/attenuation.hpp"

namespace cloister::hal::fibre {

namespace json = boost::json;

namespace {

/// So much brighter that on an everyday link she knows more of a key than its account charges for.
constexpr double seeded_gain = 3;

std::string_view string_member(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr || !member->is_string()) return {};
  return member->get_string();
}

/// Into `out`, where the member is there.
Result<> read_number(const json::object& object, std::string_view name, double& out) {
  const auto* member = object.if_contains(name);
  if (member == nullptr) return {};
  const auto number = member->try_to_number<double>();
  if (!number) return fail(std::format("'{}' is not a number", name));
  out = *number;
  return {};
}

Result<> read_truth(const json::object& object, std::string_view name, bool& out) {
  const auto* member = object.if_contains(name);
  if (member == nullptr) return {};
  if (!member->is_bool()) return fail(std::format("'{}' is neither true nor false", name));
  out = member->get_bool();
  return {};
}

Result<Attack> parse_intercept_resend(const json::object& request) {
  InterceptResend attack;
  const auto numbers = read_number(request, "fraction", attack.fraction).and_then([&] {
    return read_number(request, "mean_photons", attack.mean_photons);
  });
  if (!numbers) return std::unexpected{numbers.error()};
  if (!request.contains("basis")) return attack;
  const auto basis = string_member(request, "basis");
  if (basis != "random" && basis != "z") return fail("'basis' is neither \"random\" nor \"z\"");
  attack.basis = basis == "z" ? EveBasis::z : EveBasis::random;
  return attack;
}

Result<std::optional<Attack>> parse_attack(const json::object& request) {
  const auto name = string_member(request, "attack");
  if (name == "none") return std::nullopt;
  if (name == "intercept-resend") return parse_intercept_resend(request);
  if (name == "photon-number-splitting") {
    PhotonNumberSplitting attack;
    return read_number(request, "fraction", attack.fraction)
        .and_then([&] { return read_truth(request, "keeps_rate", attack.keeps_rate); })
        .transform([&] { return Attack{attack}; });
  }
  if (name == "blinding") {
    Blinding attack;
    double picoseconds = 0;
    double microamperes = attack.blinded_amperes * 1e6;
    return read_number(request, "fraction", attack.fraction)
        .and_then([&] { return read_truth(request, "pulsed", attack.pulsed); })
        .and_then([&] { return read_truth(request, "two_energies", attack.two_energies); })
        .and_then([&] { return read_number(request, "arrival_ps", picoseconds); })
        .and_then([&] { return read_number(request, "blinded_ua", microamperes); })
        .transform([&] {
          attack.arrival_seconds = picoseconds * 1e-12;
          attack.blinded_amperes = microamperes * 1e-6;
          return Attack{attack};
        });
  }
  if (name == "time-shift") {
    TimeShift attack;
    double picoseconds = attack.shift_seconds * 1e12;
    return read_number(request, "fraction", attack.fraction)
        .and_then([&] { return read_number(request, "shift_ps", picoseconds); })
        .transform([&] {
          attack.shift_seconds = picoseconds * 1e-12;
          return Attack{attack};
        });
  }
  if (name == "beam-splitting" || name == "laser-seeding") {
    BeamSplitting attack{.fraction = 1, .gain = name == "laser-seeding" ? seeded_gain : 1};
    return read_number(request, "fraction", attack.fraction)
        .and_then([&] { return read_number(request, "gain", attack.gain); })
        .transform([&] { return Attack{attack}; });
  }
  if (name == "trojan-horse") {
    TrojanHorse attack;
    return read_number(request, "fraction", attack.fraction)
        .and_then([&] { return read_number(request, "photons", attack.photons); })
        .transform([&] { return Attack{attack}; });
  }
  return fail(R"(unknown attack: expected "intercept-resend", "photon-number-splitting", "blinding", "time-shift", )"
              R"("beam-splitting", "laser-seeding", "trojan-horse" or "none")");
}

/// Into `disturbance`, but for what makes no sense by itself.
Result<> apply(const json::object& request, Disturbance& disturbance) {
  const auto command = string_member(request, "command");
  if (command == "status") return {};
  if (command == "eve")
    return parse_attack(request).transform([&](const std::optional<Attack>& attack) { disturbance.eve = attack; });
  const auto needs = [&](const char* member) -> Result<> {
    if (request.contains(member)) return {};
    return fail(std::format("'{}' needs \"{}\"", command, member));
  };
  if (command == "cut") return needs("on").and_then([&] { return read_truth(request, "on", disturbance.cut); });
  if (command == "silence") return needs("on").and_then([&] { return read_truth(request, "on", disturbance.silence); });
  if (command == "randomness")
    return needs("part").and_then([&] { return read_number(request, "part", disturbance.weak_randomness); });
  if (command == "replay") return needs("on").and_then([&] { return read_truth(request, "on", disturbance.replay); });
  if (command == "noise")
    return needs("per_slot").and_then([&] { return read_number(request, "per_slot", disturbance.noise); });
  if (command != "sync")
    return fail(
        R"(unknown command: expected "status", "eve", "cut", "noise", "sync", "replay", "silence" or "randomness")");
  double shift = 0;
  return needs("shift").and_then([&] { return read_number(request, "shift", shift); }).and_then([&]() -> Result<> {
    if (!(shift >= 0 && shift <= sync_shift_max)) return fail(std::format("'shift' is outside 0 … {}", sync_shift_max));
    disturbance.sync_shift = static_cast<std::uint64_t>(shift);
    return {};
  });
}

json::object describe(const InterceptResend& eve) {
  return {{"attack", "intercept-resend"},
          {"fraction", eve.fraction},
          {"basis", eve.basis == EveBasis::z ? "z" : "random"},
          {"mean_photons", eve.mean_photons}};
}

json::object describe(const PhotonNumberSplitting& eve) {
  return {{"attack", "photon-number-splitting"}, {"fraction", eve.fraction}, {"keeps_rate", eve.keeps_rate}};
}

json::object describe(const Blinding& eve) {
  return {{"attack", "blinding"},
          {"fraction", eve.fraction},
          {"pulsed", eve.pulsed},
          {"two_energies", eve.two_energies},
          {"arrival_ps", eve.arrival_seconds * 1e12},
          {"blinded_ua", eve.blinded_amperes * 1e6}};
}

json::object describe(const TimeShift& eve) {
  return {{"attack", "time-shift"}, {"fraction", eve.fraction}, {"shift_ps", eve.shift_seconds * 1e12}};
}

json::object describe(const BeamSplitting& eve) {
  return {
      {"attack", eve.gain > 1 ? "laser-seeding" : "beam-splitting"}, {"fraction", eve.fraction}, {"gain", eve.gain}};
}

json::object describe(const TrojanHorse& eve) {
  return {{"attack", "trojan-horse"}, {"fraction", eve.fraction}, {"photons", eve.photons}};
}

json::object describe(const std::optional<Attack>& eve) {
  if (!eve) return {{"attack", "none"}};
  return std::visit([](const auto& attack) { return describe(attack); }, *eve);
}

json::object describe(const LinkParameters& parameters) {
  return {{"length_km", parameters.length_km},
          {"attenuation_db_per_km", parameters.attenuation_db_per_km},
          {"transmittance",
           transmittance(parameters.length_km, parameters.attenuation_db_per_km, parameters.insertion_loss_db)},
          {"efficiency", parameters.efficiency},
          {"dark_count_probability", parameters.dark_count_probability},
          {"misalignment", parameters.misalignment},
          {"efficiency_ratio", parameters.efficiency_ratio},
          {"dead_time_ns", parameters.dead_time_seconds * 1e9},
          {"after_pulse_probability", parameters.after_pulse_probability},
          {"after_pulse_lifetime_ns", parameters.after_pulse_lifetime_seconds * 1e9},
          {"gate_ps", parameters.gate.width_seconds * 1e12},
          {"gates_apart_ps", parameters.gate.apart_seconds * 1e12},
          {"jitter_ps", parameters.gate.jitter_seconds * 1e12},
          {"dimmed_gates", parameters.dimmed_gates},
          {"extinction_db", parameters.extinction_db},
          {"pattern_effect", parameters.pattern_effect},
          {"drift_radians", parameters.drift_radians},
          {"drift_time_s", parameters.drift_time_seconds},
          {"isolation_db", parameters.isolation_db}};
}

json::object describe(const Station& station) {
  const auto status = station.status();
  return {{"link", describe(station.parameters())},
          {"transmitter_connected", status.transmitter},
          {"receiver_connected", status.receiver},
          {"epoch", status.epoch ? json::value(*status.epoch) : json::value(nullptr)},
          {"clock_hz", status.clock_hz},
          {"slots", status.slots},
          {"detections", status.detections},
          {"detections_per_second", status.detections_per_second},
          {"double_clicks", status.double_clicks},
          {"lost_detections", status.lost_detections},
          {"lost_frames", status.lost_frames},
          {"slipped_seconds", status.slipped_seconds},
          {"eve", describe(station.disturbance().eve)},
          {"known_to_eve", status.known_to_eve},
          {"cut", station.disturbance().cut},
          {"noise", station.disturbance().noise},
          {"sync_shift", station.disturbance().sync_shift},
          {"replay", station.disturbance().replay},
          {"silence", station.disturbance().silence},
          {"weak_randomness", station.disturbance().weak_randomness},
          {"last_event", status.last_event}};
}

std::string error_line(const std::string& message) { return json::serialize(json::object{{"error", message}}); }

}  // namespace

std::string answer(std::string_view line, Station& station) {
  boost::system::error_code error;
  const auto request = json::parse(line, error);
  if (error || !request.is_object()) return error_line("not one line with one JSON object");
  auto disturbance = station.disturbance();
  const auto changed = apply(request.get_object(), disturbance).and_then([&] { return check(disturbance); });
  if (!changed) return error_line(changed.error().message);
  if (string_member(request.get_object(), "command") != "status") station.disturb(disturbance);
  return json::serialize(describe(station));
}

}  // namespace cloister::hal::fibre
