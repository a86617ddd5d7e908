#pragma once
/// The section `distillation`, of a box's link and of a link that is planned.

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

[[nodiscard]] Distillation read_distillation(Section section);

}  // namespace cloister::config
