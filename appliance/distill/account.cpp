#include "appliance/distill/account.hpp"

#include <format>

namespace cloister::distill {
namespace {

double rate(const BasisCounts& basis) {
  const auto n = basis.n[0] + basis.n[1];
  return n == 0 ? 0 : static_cast<double>(basis.m[0] + basis.m[1]) / static_cast<double>(n);
}

std::string counts(const BasisCounts& basis) {
  return std::format("{{\"n\": [{}, {}], \"m\": [{}, {}]}}", basis.n[0], basis.n[1], basis.m[0], basis.m[1]);
}

}  // namespace

double Account::key_qber() const { return rate(key); }
double Account::test_qber() const { return rate(test); }

std::string Account::to_json() const {
  return std::format(
      "{{\"block\": {}, \"bound\": \"rusca2018\", \"key\": {}, \"test\": {}, \"intensities\": [{:.17g}, {:.17g}], "
      "\"probabilities\": [{:.17g}, {:.17g}], "
      "\"eps_sec\": {:.17g}, \"eps_cor\": {:.17g}, \"parity_bits\": {}, \"verification_bits\": {}, \"leakage_bits\": "
      "{}, \"s_key_0\": {:.17g}, \"s_key_1\": {:.17g}, "
      "\"s_test_1\": {:.17g}, \"v_test_1\": {:.17g}, \"phase_error\": {:.17g}, \"penalty_bits\": {:.17g}, "
      "\"length_bits\": {}}}",
      block, counts(key), counts(test), parameters.intensities[0], parameters.intensities[1],
      parameters.probabilities[0], parameters.probabilities[1], parameters.eps_sec, parameters.eps_cor, parity_bits,
      verification_bits, leakage_bits(), s_key_0, s_key_1, s_test_1, v_test_1, phase_error, penalty_bits, length_bits);
}

}  // namespace cloister::distill
