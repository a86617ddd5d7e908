#include "hal/fibre/control.hpp"

#include <boost/json.hpp>
#include <format>
#include <utility>

#include "hal/fibre/attenuation.hpp"

namespace cloister::hal::fibre {

namespace json = boost::json;

namespace {

std::string_view string_member(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr || !member->is_string()) return {};
  return member->get_string();
}

Result<InterceptResend> parse_intercept_resend(const json::object& request) {
  InterceptResend attack;
  if (const auto* fraction = request.if_contains("fraction")) {
    const auto number = fraction->try_to_number<double>();
    if (!number || !(*number >= 0 && *number <= 1)) return fail("'fraction' is not a number from 0 to 1");
    attack.fraction = *number;
  }
  if (!request.contains("basis")) return attack;
  const auto basis = string_member(request, "basis");
  if (basis != "random" && basis != "z") return fail("'basis' is neither \"random\" nor \"z\"");
  attack.basis = basis == "z" ? EveBasis::z : EveBasis::random;
  return attack;
}

Result<Disturbance> change(const json::object& request, Disturbance disturbance) {
  const auto command = string_member(request, "command");
  if (command == "status") return disturbance;
  if (command == "cut") {
    const auto* on = request.if_contains("on");
    if (on == nullptr || !on->is_bool()) return fail("'cut' needs \"on\": true or false");
    disturbance.cut = on->get_bool();
    return disturbance;
  }
  if (command != "eve") return fail("unknown command: expected \"status\", \"eve\" or \"cut\"");
  const auto attack = string_member(request, "attack");
  if (attack == "none") {
    disturbance.eve.reset();
    return disturbance;
  }
  if (attack != "intercept-resend") return fail("unknown attack: expected \"intercept-resend\" or \"none\"");
  return parse_intercept_resend(request).transform([&](const InterceptResend& eve) {
    disturbance.eve = eve;
    return disturbance;
  });
}

json::object describe(const std::optional<InterceptResend>& eve) {
  if (!eve) return {{"attack", "none"}};
  return {{"attack", "intercept-resend"},
          {"fraction", eve->fraction},
          {"basis", eve->basis == EveBasis::z ? "z" : "random"}};
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
          {"after_pulse_lifetime_ns", parameters.after_pulse_lifetime_seconds * 1e9}};
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
          {"cut", station.disturbance().cut},
          {"last_event", status.last_event}};
}

std::string error_line(const std::string& message) { return json::serialize(json::object{{"error", message}}); }

}  // namespace

std::string answer(std::string_view line, Station& station) {
  boost::system::error_code error;
  const auto request = json::parse(line, error);
  if (error || !request.is_object()) return error_line("not one line with one JSON object");
  const auto disturbance = change(request.get_object(), station.disturbance());
  if (!disturbance) return error_line(disturbance.error().message);
  if (string_member(request.get_object(), "command") != "status") station.disturb(*disturbance);
  return json::serialize(describe(station));
}

}  // namespace cloister::hal::fibre
