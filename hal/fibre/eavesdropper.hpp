#pragma once
/// Eve, between the transmitter's output and the receiver's input. She sees a pulse's light, not what it was meant to be; what she
/// does to it is a list of branches, each with its probability, the receiver's response, and what she then knows.
///
///   pulse ─▶ attack ─▶ branches ─▶ one table for each pulse and measured basis ─▶ one uniform number decides click, bit and branch
///
/// Her choices are drawn together with the click: only slots that click are looked at, and what she did in the others
/// leaves no trace but in her own notes. So an attack costs what the quiet link costs.

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
  double fraction = 1;  ///< Of the time.
};

using Attack = std::variant<InterceptResend, PhotonNumberSplitting, Blinding>;

/// What the light of one slot meets, with this probability.
struct Branch {
  double probability = 0;
  BitOdds response;                  ///< Given the branch.
  std::optional<Carried> eve_knows;  ///< In which basis she knows which bit.
};

/// The quiet link: what an attack begins from, and returns to.
struct QuietLink {
  Receiver receiver;
  double transmittance = 1;  ///< Of the fibre, which Eve can replace by one without loss.
  simulator::SourceSettings source;

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

/// The branch that leaves the pulse alone, made as probable as Eve does so.
[[nodiscard]] inline std::vector<Branch> left_alone(const QuietLink& link, std::size_t intensity, Carried sent,
                                                    Basis measured, double probability) {
  auto branch = link.untouched(intensity, sent, measured);
  branch.probability = probability;
  return {branch};
}

}  // namespace cloister::hal::fibre
