#pragma once
/// What a link's keys come from: a device that gives detections, or a key management entity that gives finished keys.

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

/// `box`: its identity may be what a KME knows it by.
[[nodiscard]] Device read_device(Section section, const Box& box);

}  // namespace cloister::config
