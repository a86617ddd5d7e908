#pragma once
/// Eve, between the transmitter's output and the receiver's input. She sees a pulse's light, not what it was meant to be; what she
/// does to it is a list of branches, each with its probability, the receiver's response, and what she then knows.
///
///   pulse ─▶ attack ─▶ branches ─▶ one table for each pulse and measured basis ─▶ one uniform number decides click, bit and branch
///
/// Her choices are drawn together with the click: only slots that click are looked at, and what she did in the others
/// leaves no trace but in her own notes. So an attack costs what the quiet link costs.

#include <cmath>
#include <optional>
#include <variant>
#include <vector>

#include "hal/fibre/receiver.hpp"
#include "hal/simulator/source_settings.hpp"

namespace cloister::hal::fibre {

enum class EveBasis : std::uint8_t { random, z };

/// See attack_intercept_resend.cpp.
struct InterceptResend {
  double fraction = 1;
  EveBasis basis = EveBasis::random;
  double mean_photons = 0;  ///< At the receiver, of her pulses, then as many as keep the signal's gain; 0: weak ones.
};

/// See attack_photon_number_splitting.cpp.
struct PhotonNumberSplitting {
  double fraction = 1;     ///< Of the pulses that she counts; she lets the others pass.
  bool keeps_rate = true;  ///< Lets as many single photons pass as keep the signal's gain; otherwise none.
};

/// See attack_blinding.cpp.
struct Blinding {
  double fraction = 1;            ///< Of the pulses.
  bool pulsed = false;            ///< No light but the bright pulses, which come at `arrival_seconds`.
  double arrival_seconds = 0;     ///< Behind the middle of the gates.
  bool two_energies = false;      ///< Every second pulse is too weak for a detector of half the efficiency.
  double blinded_amperes = 5e-4;  ///< Of light all the time.
};

/// See attack_time_shift.cpp.
struct TimeShift {
  double fraction = 1;           ///< Of the pulses.
  double shift_seconds = 3e-10;  ///< To either side, at random.
};

/// See attack_beam_splitting.cpp.
struct BeamSplitting {
  double fraction = 1;  ///< Of the pulses.
  double gain = 1;      ///< By which she makes the transmitter's laser brighter than it is set to.
};

/// See attack_trojan_horse.cpp.
struct TrojanHorse {
  double fraction = 1;  ///< Of the pulses.
  double photons = 1;   ///< Mean number that comes back to her with the pulse's bit and basis on it.
};

using Attack = std::variant<InterceptResend, PhotonNumberSplitting, Blinding, TimeShift, BeamSplitting, TrojanHorse>;

/// What an attack does to the meters of the two devices.
struct Traces {
  double detector_amperes = 0;          ///< Beside the current of the clicks.
  double output_gain = 1;               ///< Of the transmitter's mean output.
  double photons_into_transmitter = 0;  ///< A slot.
};

/// What the light of one slot meets, with this probability.
struct Branch {
  double probability = 0;
  BitOdds response;                  ///< Given the branch.
  std::optional<Carried> eve_knows;  ///< In which basis she knows which bit.
  double eve_bits = 1;               ///< How much of it: 1 - h(p), where she is right with probability p.
  double arrival_seconds = 0;        ///< When the light comes, from the middle of the gates.
  bool bright = false;               ///< It makes its detector click whenever it comes.
};

/// The quiet link: what an attack begins from, and returns to.
struct QuietLink {
  Receiver receiver;
  double transmittance = 1;  ///< Of the fibre, which Eve can replace by one without loss.
  simulator::SourceSettings source;
  double isolation_db = 100;  ///< Of the transmitter, for light that goes in and comes back.

  [[nodiscard]] Branch untouched(std::size_t intensity, Carried sent, Basis measured) const {
    return {.probability = 1,
            .response = receiver.coherent(transmittance * source.intensities[intensity], sent, measured),
            .eve_knows = {}};
  }
};

/// The branches of a pulse of this intensity that is measured in this basis; their probabilities add up to one.
[[nodiscard]] std::vector<Branch> branches_of(const InterceptResend& attack, const QuietLink& link,
                                              std::size_t intensity, Carried sent, Basis measured);
[[nodiscard]] std::vector<Branch> branches_of(const PhotonNumberSplitting& attack, const QuietLink& link,
                                              std::size_t intensity, Carried sent, Basis measured);
[[nodiscard]] std::vector<Branch> branches_of(const Blinding& attack, const QuietLink& link, std::size_t intensity,
                                              Carried sent, Basis measured);

[[nodiscard]] std::vector<Branch> branches_of(const TimeShift& attack, const QuietLink& link, std::size_t intensity,
                                              Carried sent, Basis measured);
[[nodiscard]] std::vector<Branch> branches_of(const BeamSplitting& attack, const QuietLink& link, std::size_t intensity,
                                              Carried sent, Basis measured);
[[nodiscard]] std::vector<Branch> branches_of(const TrojanHorse& attack, const QuietLink& link, std::size_t intensity,
                                              Carried sent, Basis measured);

[[nodiscard]] Traces traces_of(const Blinding& attack, const QuietLink& link);
[[nodiscard]] Traces traces_of(const BeamSplitting& attack, const QuietLink& link);
[[nodiscard]] Traces traces_of(const TrojanHorse& attack, const QuietLink& link);
/// The others leave none.
template <class Other>
[[nodiscard]] Traces traces_of(const Other&, const QuietLink&) {
  return {};
}

/// What somebody knows of a bit that he has right with this probability.
[[nodiscard]] inline double bits_known(double right) {
  if (right <= 0 || right >= 1) return 1;
  return 1 + right * std::log2(right) + (1 - right) * std::log2(1 - right);
}

/// The branch that leaves the pulse alone, made as probable as Eve does so.
[[nodiscard]] inline std::vector<Branch> left_alone(const QuietLink& link, std::size_t intensity, Carried sent,
                                                    Basis measured, double probability) {
  auto branch = link.untouched(intensity, sent, measured);
  branch.probability = probability;
  return {branch};
}

}  // namespace cloister::hal::fibre
