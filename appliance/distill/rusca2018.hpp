#pragma once
/// The secret length of a block: decoy-state BB84 with one decoy and finite keys, after Rusca et al., APL 112, 171104
/// (2018), appendix A, with the corrected counts of Lim et al., PRA 89, 022307 (2014), eq. (2)-(5). Only formulas.

#include "appliance/distill/account.hpp"

namespace cloister::distill {

/// Fills in all bounds and the length from the counts, the disclosed bits and the parameters. Counts that cannot be
/// (more errors than detections), too few detections, or no error at all in the test basis give length 0.
[[nodiscard]] Account with_secret_length(Account account);

[[nodiscard]] double binary_entropy(double probability);

}  // namespace cloister::distill
